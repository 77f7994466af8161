// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>
#include <utility>
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

/// Buffers of one step: its state, its queries, its oracles' answers. All are [tokens, width], but
/// for streams of squares.
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
               Pass pass, Recompute recompute) {
    const bool training = pass == Pass::training;
    scratch = Scratch{on<O>::reserve_scratch(plan, batch, length, training)...};
    each_with_constants(
        [&]<class Oracle>(auto& own) { Oracle::reserve_constants(plan, own, positions); });
    const auto reserve_cache = [&]<class Oracle, std::size_t I>(Index l, std::string_view name) {
      const bool kept = training && recompute != Recompute::layers &&
                        !(recompute == Recompute::activations && oracle_refills_cache<Oracle>);
      return l > 0 && !kept ? std::get<I>(cache.front())
                            : Oracle::reserve_cache(plan, message("layers.", l, ".", name, "."),
                                                    batch, length);
    };
    for (Index l = 0; l < layers; ++l) [&]<std::size_t... I>(std::index_sequence<I...>) {
        cache.push_back(
            Caches{reserve_cache.template operator()<on<O>, I>(l, std::string_view(O::name))...});
      }
    (std::index_sequence_for<O...>{});
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
      std::get<I>(oracles).reserve(memory, options.layers[I], batch, length, positions, pass,
                                   options.recompute);
    });
    reserve_head(options, tokens);
    if (pass == Pass::training) reserve_gradients(tokens);
  }

 private:
  MemoryPlan::Handle rows(const std::string& name, Index tokens) {
    return memory.reserve<T>(name, tokens * Types::width);
  }
  MemoryPlan::Handle stream_of(const std::string& name, short s, Index tokens) {
    return memory.reserve<T>(message(name, s), tokens * Types::stream_size(s));
  }

  void reserve_steps(const LanguageModelOptions& options, Index tokens) {
    const bool training = pass == Pass::training;
    Types::each_stack([&]<std::size_t I>() {
      for (Index l = 0; l < options.layers[I]; ++l)
        [&]<int... J>(std::integer_sequence<int, J...>) {
          (reserve_step(Place<I, J>{l}, options, tokens), ...);
        }
      (std::make_integer_sequence<int, Types::template Layer<I>::steps>{});
    });
    const Index numbers = static_cast<Index>(step.size()) * Recording::max_coefficients;
    coefficients = memory.reserve<wide_t<T>>("coefficients", numbers);
    if (!training) return;
    coefficient_gradients = memory.reserve<wide_t<T>>("coefficient_gradients", numbers);
    opening_statistic =
        reserve_statistics<Opening<typename Types::FirstStep, false>>("opening.", tokens);
  }

  /// What is not kept is where the step before last has it (forward), or the same step of the layer
  /// before, or it is one buffer for all steps.
  template <class Here>
  void reserve_step(Here here, const LanguageModelOptions& options, Index tokens) {
    const auto k = static_cast<Index>(step.size());
    const bool training = pass == Pass::training;
    const bool again = training && options.recompute == Recompute::layers && here.layer > 0;
    constexpr int steps = Types::template Layer<Here::stack>::steps;
    const StepBuffers* of_layer = again ? &step[static_cast<std::size_t>(k - steps)] : nullptr;
    const StepBuffers* in_turn =
        !training && k > 1 ? &step[static_cast<std::size_t>(k - 2)] : nullptr;
    const StepBuffers* state = Here::step > 0 && again ? of_layer : in_turn;
    const std::string name = message("steps.", k, ".");

    StepBuffers b;
    b.x = state != nullptr ? state->x : rows(name + "x", tokens);
    for (short s = 0; s < Types::streams; ++s)
      b.stream[s] = state != nullptr ? state->stream[s] : stream_of(name + "stream.", s, tokens);
    for (int o = 0; o < Types::template StepAt<Here>::oracles; ++o) {
      const bool one_query = !training || options.recompute == Recompute::activations;
      b.query[o] = one_query && o < queries_ ? query_[o]
                   : Here::step > 0 && again ? of_layer->query[o]
                                             : rows(message(name, "query.", o), tokens);
      b.answer[o] = !training && o < queries_ ? answer_[o]
                    : again                   ? of_layer->answer[o]
                                              : rows(message(name, "answer.", o), tokens);
      if (o < queries_) continue;
      query_[o] = b.query[o], answer_[o] = b.answer[o];
      queries_ = o + 1;
    }
    if (training)
      Types::after(options.layers, here, [&](auto next) {
        using Program = typename Types::template Between<Here, decltype(next)>;
        b.statistic = reserve_statistics<Program>(name, tokens);
      });
    step.push_back(b);
  }

  /// Row sums that the backward half of a program reads; notes what it needs beside them.
  template <class Program>
  MemoryPlan::Handle reserve_statistics(const std::string& name, Index tokens) {
    using Half = Forward<Program>;
    const Index workspace = row_workspace_bytes<Half, T>(tokens, Types::width);
    if (workspace > row_workspace_) row_workspace_ = workspace;
    return memory.reserve<T>(name + "statistics", tokens * Half::graph.statistics);
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
      stream_gradient[s] = stream_of("stream_gradient.", s, tokens);
    int most = 0;
    Types::each_stack([&]<std::size_t I>() {
      using L = typename Types::template Layer<I>;
      if (L::template Step<0>::oracles > most) most = L::template Step<0>::oracles;
    });
    for (int o = 0; o < most; ++o) query_gradient[o] = rows(message("query_gradient.", o), tokens);
    answer_gradient = rows("answer_gradient", tokens);
    seen_gradient = rows("seen_gradient", tokens);
    row_workspace = memory.reserve<std::byte>("row_workspace", row_workspace_);
  }

  int queries_ = 0;  ///< that there is a buffer for, to be used by all steps
  MemoryPlan::Handle query_[max_oracles], answer_[max_oracles];
  Index row_workspace_ = 0;
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
