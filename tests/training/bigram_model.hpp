// SPDX-License-Identifier: MIT
#pragma once

// The smallest model and optimizer that a Trainer accepts: tests of training need no Transformer.

#include <cmath>
#include <memory>
#include <span>

#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/core/random.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/training/trainer.hpp>
#include <optiform/weights/weight_optimizer.hpp>

namespace fake {

using namespace optiform;

struct Options {
  Index vocabulary = 4, context = 8;
};

/// logits = table[token]: learns bigrams exactly.
struct Bigram {
  template <class Backend, class T>
  class on {
   public:
    using Context = context_t<Backend>;
    struct Workspace {
      std::vector<T> logits;
      std::vector<double> losses;
      void resize(Index batch, Index of) { losses.resize(static_cast<std::size_t>(batch * of)); }
    };
    explicit on(Options options) : options_(options) {
      const Index v = options.vocabulary;
      table_.add("tok_emb.weight", Role::embedding, {v}, Initialisation::normal(0.02));
      weight_ =
          table_.add("layers.3.table.weight", Role::matrix, {v, v}, Initialisation::normal(0.02));
    }
    const Options& options() const { return options_; }
    const ParameterTable& parameters() const { return table_; }
    void initialise(T* values, std::uint64_t seed) const {
      Rng rng(seed);
      for (const auto& entry : table_.entries())
        for (Index i = 0; i < entry.size; ++i)
          values[entry.offset + i] = static_cast<T>(entry.initialisation.deviation * rng.normal());
    }
    Workspace workspace(Index batch, Index length, Pass) const {
      const auto rows = static_cast<std::size_t>(batch * length);
      return {std::vector<T>(rows * static_cast<std::size_t>(options_.vocabulary)),
              std::vector<double>(rows)};
    }
    MemoryPlan plan(Index batch, Index length, Pass) const {
      MemoryPlan plan;
      plan.template reserve<T>("logits", batch * length * options_.vocabulary);
      return plan;
    }
    void logits(Context&, const T* values, Workspace& memory, const std::int32_t* tokens, T* out) {
      const auto rows = static_cast<Index>(memory.losses.size()), v = options_.vocabulary;
      for (Index row = 0; row < rows; ++row)
        for (Index j = 0; j < v; ++j)
          out[row * v + j] = values[j] + values[weight_ + tokens[row] * v + j];
    }
    /// All that a bigram remembers is how much it was told.
    class Decoder {
     public:
      using Tokens = std::span<const std::int32_t>;
      Decoder(const on& model, Index sequences, Index capacity)
          : model_(model), capacity_(capacity), length_(static_cast<std::size_t>(sequences)) {}
      Index sequences() const { return static_cast<Index>(length_.size()); }
      Index capacity() const { return capacity_; }
      Index length(Index sequence) const { return length_[static_cast<std::size_t>(sequence)]; }
      void restart(Index sequence) { length_[static_cast<std::size_t>(sequence)] = 0; }
      void append(Context&, const T* values, std::span<const Tokens> tokens, T* logits) {
        const Index v = model_.options_.vocabulary;
        for (std::size_t b = 0; b < tokens.size(); ++b) {
          if (tokens[b].empty()) continue;
          length_[b] += static_cast<Index>(tokens[b].size());
          if (length_[b] > capacity_) fail("the sequence is full");
          for (Index j = 0; j < v; ++j)
            logits[static_cast<Index>(b) * v + j] =
                values[j] + values[model_.weight_ + tokens[b].back() * v + j];
        }
      }

     private:
      const on& model_;
      Index capacity_;
      std::vector<Index> length_;
    };
    double loss(Context& c, const T* values, Workspace& memory, const std::int32_t* tokens,
                const std::int32_t* targets) {
      logits(c, values, memory, tokens, memory.logits.data());
      return mean(c, memory, targets, 0);
    }
    double loss_and_gradients(Context& c, const T* values, Workspace& memory,
                              const std::int32_t* tokens, const std::int32_t* targets, T* gradients,
                              double scale = 1) {
      const auto rows = static_cast<Index>(memory.losses.size()), v = options_.vocabulary;
      logits(c, values, memory, tokens, memory.logits.data());
      const double result = mean(c, memory, targets, scale / static_cast<double>(rows));
      for (Index row = 0; row < rows; ++row)
        for (Index j = 0; j < v; ++j) {
          const T g = memory.logits[static_cast<std::size_t>(row * v + j)];
          gradients[j] += g;
          gradients[weight_ + tokens[row] * v + j] += g;
        }
      return result;
    }

   private:
    double mean(Context& c, Workspace& memory, const std::int32_t* targets, double scale) const {
      const auto rows = static_cast<Index>(memory.losses.size());
      kernels<Backend>::cross_entropy(c, rows, options_.vocabulary, memory.logits.data(), targets,
                                      scale, memory.losses.data());
      double sum = 0;
      for (const double loss : memory.losses) sum += loss;
      return sum / static_cast<double>(rows);
    }
    Options options_;
    ParameterTable table_;
    Index weight_ = 0;
  };
};

/// v = 0.9 v + g, x -= rate v; counts its steps.
struct Momentum {
  template <class Backend, class T>
  class on {
   public:
    using Options = WeightOptimizerOptions;
    static Index planned_bytes(const ParameterTable& table, const Options&, int) {
      return table.total() * static_cast<Index>(sizeof(T));
    }
    on(const ParameterTable& table, const WeightOptimizerOptions&) : velocity_(table.total()) {}
    void step_and_clear(context_t<Backend>&, T* values, T* gradients, double factor, double rate) {
      for (Index i = 0; i < velocity_.size(); ++i) {
        velocity_[i] = static_cast<T>(0.9 * velocity_[i] + factor * gradients[i]);
        gradients[i] = 0;
        values[i] -= static_cast<T>(rate * velocity_[i]);
      }
      ++clock_;
    }
    struct Stream {
      std::string name;
      T* data;
      Index size;
    };
    std::vector<Stream> streams() { return {{"velocity", velocity_.data(), velocity_.size()}}; }
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t steps) { clock_ = steps; }

   private:
    Buffer<T> velocity_;
    std::int64_t clock_ = 0;
  };
};

template <class T = double>
using BigramTrainer = Trainer<Bigram, Momentum>::on<Reference, T>;

}  // namespace fake
