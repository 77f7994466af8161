// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/core/scalar.hpp>
#include <optiform/depth/parameters.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a workspace must be able to do.
enum class Pass : unsigned char {
  evaluation,  ///< forward only: two states in turn
  training,    ///< forward and backward: every state is kept
  generation   ///< forward only, without a loss: see Decoder
};

namespace detail {

/// Buffers of one step: its state, its queries, its oracles' answers. All are [tokens, width].
struct StepBuffers {
  MemoryPlan::Handle x, stream[Recording::max_streams];
  MemoryPlan::Handle query[max_oracles], answer[max_oracles];
  MemoryPlan::Handle statistic;  ///< row sums of the program after the step
};

/// What the oracles of a stack keep from forward to backward, and what they use in between.
template <class Backend, class T, ModelShape Shape, class Oracles>
struct OracleBuffers;
template <class Backend, class T, ModelShape Shape, class... O>
struct OracleBuffers<Backend, T, Shape, std::tuple<O...>> {
  template <class Oracle>
  using on = typename Oracle::template on<Backend, T, Shape>;
  using Caches = std::tuple<typename on<O>::Cache...>;
  using Scratch = std::tuple<typename on<O>::Scratch...>;

  std::vector<Caches> cache;  ///< per layer
  Scratch scratch;

  /// Calls f<Oracle on this backend>(its scratch) for every oracle that has constants.
  template <class F>
  void each_with_constants(F&& f) {
    const auto one = [&]<class Oracle>(std::in_place_type_t<Oracle>, auto& own) {
      if constexpr (oracle_has_constants<Oracle>) f.template operator()<Oracle>(own);
    };
    std::apply([&](auto&... own) { (one(std::in_place_type<on<O>>, own), ...); }, scratch);
  }

  void reserve(MemoryPlan& plan, Index layers, Index batch, Index length, Index positions,
               Pass pass) {
    const bool training = pass == Pass::training;
    scratch = Scratch{on<O>::reserve_scratch(plan, batch, length, training)...};
    each_with_constants(
        [&]<class Oracle>(auto& own) { Oracle::reserve_constants(plan, own, positions); });
    for (Index l = 0; l < layers; ++l) {
      if (l > 0 && !training) {
        cache.push_back(cache.front());
        continue;
      }
      cache.push_back(Caches{on<O>::reserve_cache(
          plan, message("layers.", l, ".", std::string_view(O::name), "."), batch, length)...});
    }
  }
};

/// Where everything lies inside one arena: known before anything is allocated.
template <class Types>
struct ModelLayout {
  using T = typename Types::T;
  template <std::size_t I>
  using Oracles = OracleBuffers<typename Types::Backend, T, Types::shape,
                                typename Types::template Layer<I>::Oracles>;
  template <std::size_t... I>
  static std::tuple<Oracles<I>...> oracles_of(std::index_sequence<I...>);

  static constexpr int max_statistics = 16;  ///< row sums of one program, at most

  MemoryPlan memory;
  Pass pass;
  Index batch, length, logit_rows;
  Index positions;  ///< of the longest sequence
  std::vector<StepBuffers> step;
  decltype(oracles_of(typename Types::Stacks{})) oracles;
  MemoryPlan::Handle opening_statistic, seen, logits, losses;
  MemoryPlan::Handle coefficients, coefficient_gradients;
  MemoryPlan::Handle x_gradient, stream_gradient[Recording::max_streams];
  MemoryPlan::Handle query_gradient[max_oracles], answer_gradient, seen_gradient, row_workspace;

  ModelLayout(const LanguageModelOptions& options, Index batch_, Index length_, Pass pass_)
      : pass(pass_),
        batch(batch_),
        length(length_),
        positions(pass == Pass::generation ? options.context : length) {
    if (batch < 1) fail("batch = ", batch, ", expected at least 1");
    if (length < 1 || (length > options.context && pass != Pass::generation))
      fail("length = ", length, ", expected 1 to the model's context of ", options.context);
    const Index tokens = batch * length;
    reserve_steps(options, tokens);
    Types::each_stack([&]<std::size_t I>() {
      std::get<I>(oracles).reserve(memory, options.layers[I], batch, length, positions, pass);
    });
    reserve_head(options, tokens);
    if (pass == Pass::training) reserve_gradients(tokens);
  }

 private:
  MemoryPlan::Handle rows(const std::string& name, Index tokens) {
    return memory.reserve<T>(name, tokens * Types::width);
  }

  void reserve_steps(const LanguageModelOptions& options, Index tokens) {
    const bool training = pass == Pass::training;
    Index number = 0;
    Types::each_stack([&]<std::size_t I>() {
      using L = typename Types::template Layer<I>;
      for (Index l = 0; l < options.layers[I]; ++l)
        [&]<std::size_t... J>(std::index_sequence<J...>) {
          (reserve_step(number++, L::template Step<static_cast<int>(J)>::oracles, tokens, training),
           ...);
        }
      (std::make_index_sequence<static_cast<std::size_t>(L::steps)>{});
    });
    using Wide = wide_t<T>;
    coefficients = memory.reserve<Wide>("coefficients", number * Recording::max_coefficients);
    coefficient_gradients =
        memory.reserve<Wide>("coefficient_gradients", number * Recording::max_coefficients);
    if (training) opening_statistic = memory.reserve<T>("statistics", tokens * max_statistics);
  }

  void reserve_step(Index k, int asked, Index tokens, bool training) {
    StepBuffers b;
    const std::string name = message("steps.", k, ".");
    if (training || k < 2) {
      b.x = rows(name + "x", tokens);
      for (short s = 0; s < Types::streams; ++s)
        b.stream[s] = rows(message(name, "stream.", s), tokens);
    } else {
      b = step[static_cast<std::size_t>(k - 2)];
    }
    for (int o = 0; o < asked; ++o) {
      if (training || k == 0 || o >= max_reserved_) {
        b.query[o] = rows(message(name, "query.", o), tokens);
        b.answer[o] = rows(message(name, "answer.", o), tokens);
        if (!training) max_reserved_ = o + 1;
        shared_[o] = b;
      } else {
        b.query[o] = shared_[o].query[o];
        b.answer[o] = shared_[o].answer[o];
      }
    }
    if (training) b.statistic = memory.reserve<T>(name + "statistics", tokens * max_statistics);
    step.push_back(b);
  }

  void reserve_head(const LanguageModelOptions& options, Index tokens) {
    seen = rows("seen", tokens);
    if (pass == Pass::generation) return;
    // Enough rows for the matrix products, few enough for the logits to stay near the caches.
    constexpr Index elements = Index{1} << 22, fewest = 256;
    const Index even = elements / options.vocabulary;
    logit_rows = even < fewest ? fewest : even;
    if (logit_rows > tokens) logit_rows = tokens;
    logits = memory.reserve<T>("logits", logit_rows * options.vocabulary);
    losses = memory.reserve<double>("losses", tokens);
  }

  void reserve_gradients(Index tokens) {
    x_gradient = rows("x_gradient", tokens);
    for (short s = 0; s < Types::streams; ++s)
      stream_gradient[s] = rows(message("stream_gradient.", s), tokens);
    int most = 0;
    Types::each_stack([&]<std::size_t I>() {
      using L = typename Types::template Layer<I>;
      if (L::template Step<0>::oracles > most) most = L::template Step<0>::oracles;
    });
    for (int o = 0; o < most; ++o) query_gradient[o] = rows(message("query_gradient.", o), tokens);
    answer_gradient = rows("answer_gradient", tokens);
    seen_gradient = rows("seen_gradient", tokens);
    constexpr Index columns = 8, wide = 2 * Recording::max_coefficients;
    row_workspace = memory.reserve<std::byte>(
        "row_workspace",
        row_chunks(tokens) * (wide * static_cast<Index>(sizeof(wide_t<T>)) +
                              columns * Types::width * static_cast<Index>(sizeof(T))));
  }

  int max_reserved_ = 0;
  StepBuffers shared_[max_oracles]{};
};

}  // namespace detail

/// Memory of one model for up to `batch` sequences of up to `length` tokens, allocated once.
template <class Types>
class ModelWorkspace {
 public:
  using T = typename Types::T;

  ModelWorkspace(const LanguageModelOptions& options, Index batch, Index length, Pass pass)
      : ModelWorkspace(detail::ModelLayout<Types>(options, batch, length, pass)) {}
  /// Takes a layout to whose memory more may have been added.
  explicit ModelWorkspace(detail::ModelLayout<Types> layout)
      : layout_(std::move(layout)),
        arena_(layout_.memory.bytes()),
        batch_(layout_.batch),
        length_(layout_.length) {
    Types::each_stack([&]<std::size_t I>() {
      std::get<I>(layout_.oracles).each_with_constants([&]<class Oracle>(const auto& own) {
        Oracle::write_constants(arena(), own, layout_.positions);
      });
    });
  }

  /// Uses a part of the planned size from now on. Errors  more than was planned.
  void resize(Index batch, Index length) {
    if (batch < 1 || batch > layout_.batch)
      fail("batch = ", batch, ", expected 1 to the planned ", layout_.batch);
    if (length < 1 || length > layout_.length)
      fail("length = ", length, ", expected 1 to the planned ", layout_.length);
    batch_ = batch;
    length_ = length;
  }
  Index batch() const { return batch_; }
  Index length() const { return length_; }
  Index tokens() const { return batch_ * length_; }
  const detail::ModelLayout<Types>& layout() const { return layout_; }

  std::byte* arena() { return arena_.data(); }
  template <class U = T>
  U* at(MemoryPlan::Handle handle) {
    return MemoryPlan::at<U>(arena_.data(), handle);
  }

 private:
  detail::ModelLayout<Types> layout_;
  Buffer<std::byte> arena_;
  Index batch_, length_;
};

OPTIFORM_NAMESPACE_END
