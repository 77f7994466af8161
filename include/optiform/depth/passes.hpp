// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

#include <optiform/core/backend.hpp>
#include <optiform/depth/step_programs.hpp>
#include <optiform/depth/workspace.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// What the oracles remember of the tokens before, per stack and layer, and the tokens that come
/// now.
template <class Types>
struct Continuation;

/// One forward, loss or backward computation of a language model, or a forward one over the tokens
/// that sequences go on with.
///
/// Contract  values are read, gradients accumulated; states live in the workspace. Backward
///           computes again what the workspace was not planned to keep, with the same programs, so
///           that the bits are the same.
/// See       StepPrograms, what happens between the oracles.
template <class Types, bool Continues = false>
class ModelPass {
  using T = typename Types::T;
  using K = kernels<typename Types::Backend>;
  static constexpr Index width = Types::width;
  static constexpr double soft_cap = Types::ends.head.soft_cap;
  template <std::size_t I>
  using Layer = typename Types::template Layer<I>;

 public:
  using Context = typename K::Context;

  ModelPass(Context& context, const LanguageModelOptions& options,
            const ModelParameters<Types>& parameters, const T* values, ModelWorkspace<Types>& w)
      : context_(context),
        options_(options),
        p_(parameters),
        values_(values),
        w_(w),
        programs_(context, parameters, values, w) {}
  ModelPass(Context& context, const LanguageModelOptions& options,
            const ModelParameters<Types>& parameters, const T* values, ModelWorkspace<Types>& w,
            const Continuation<Types>& continuation) requires Continues
      : ModelPass(context, options, parameters, values, w) {
    continuation_ = &continuation;
  }

  void forward(const std::int32_t* tokens) { forward(tokens, AsTrained{}); }
  /// The same, steered.
  template <class Guide>
  void forward(const std::int32_t* tokens, const Guide& guide) {
    programs_.map_coefficients();
    embed(tokens);
    guide.choose(Place<0, 0>{0}, [&](auto first) { programs_.forward_open(0, first); });
    number_ = 0;
    Types::each_stack([&]<std::size_t I>() {
      for (Index l = 0; l < options_.layers[I]; ++l)
        each_step<I>([&]<int J>() { forward_step(Place<I, J>{l}, number_++, guide); });
    });
  }

  /// One layer by itself, from the state before its first step, number k; `seen` becomes the
  /// iterate after its last one.
  template <std::size_t I, class Guide>
  void forward_layer(Index layer, Index k, const Guide& guide) {
    guide.choose(Place<I, 0>{layer}, [&](auto first) { programs_.forward_open(k, first); });
    each_step<I>([&]<int J>() {
      forward_oracles(Place<I, J>{layer}, k + J);
      within_layer<I, J>(layer, guide,
                         [&](auto here, auto next) { programs_.forward(k + J, here, next); });
    });
  }
  /// Its derivative: from the adjoint of that iterate, in `seen_gradient`, to that of the iterate
  /// before, in `x_gradient`. gradients += those of its parameters.
  template <std::size_t I, class Guide>
  void backward_layer(Index layer, Index k, const Guide& guide, T* gradients) {
    constexpr int last = Layer<I>::steps - 1;
    gradients_ = gradients;
    programs_.begin_backward(gradients);
    each_step<I>([&]<int J>() {
      within_layer<I, last - J>(layer, guide, [&](auto here, auto next) {
        programs_.backward(k + last - J, here, next);
      });
      backward_oracles(Place<I, last - J>{layer}, k + last - J);
    });
    guide.choose(Place<I, 0>{layer}, [&](auto first) { programs_.backward_open(k, first); });
    programs_.unmap_coefficients();
  }
  /// Moves the iterate before a layer to the point at which its first step asks.
  template <std::size_t I>
  void move_to_query(Index layer, Index k) {
    programs_.move_to_query(k, Place<I, 0>{layer});
  }

  /// Mean loss; with gradients, also the adjoint of what the head sees.
  double head(const std::int32_t* targets, T* gradients, double gradient_scale) {
    const auto& at = w_.layout();
    const Index rows = w_.tokens(), vocabulary = options_.vocabulary;
    const T* table = values_ + p_.head;
    T* logits = w_.at(at.logits);
    double* losses = w_.template at<double>(at.losses);
    const double scale = gradients != nullptr ? gradient_scale / static_cast<double>(rows) : 0;
    for (Index first = 0; first < rows; first += at.logit_rows) {
      const Index n = first + at.logit_rows < rows ? at.logit_rows : rows - first;
      const T* seen = w_.at(at.seen) + first * width;
      K::gemm(context_, Transpose::no, Transpose::yes, n, vocabulary, width, T(1), seen, width,
              table, width, T(0), logits, vocabulary);
      K::cross_entropy(context_, n, vocabulary, logits, targets + first, scale, losses + first,
                       soft_cap);
      if (gradients == nullptr) continue;
      K::gemm(context_, Transpose::no, Transpose::no, n, width, vocabulary, T(1), logits,
              vocabulary, table, width, T(0), w_.at(at.seen_gradient) + first * width, width);
      K::gemm(context_, Transpose::yes, Transpose::no, vocabulary, width, n, T(1), logits,
              vocabulary, seen, width, T(1), gradients + p_.head, width);
    }
    double sum = 0;
    for (Index r = 0; r < rows; ++r) sum += losses[r];
    return sum / static_cast<double>(rows);
  }

  /// gradients += those of everything below the head.
  void backward(const std::int32_t* tokens, T* gradients) {
    gradients_ = gradients;
    programs_.begin_backward(gradients);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (backward_stack<Types::stacks - 1 - I>(), ...);
    }
    (typename Types::Stacks{});
    constexpr Place<0, 0> first{0};
    if (recompute() == Recompute::activations) programs_.forward_open(0, first);
    backward_oracles(first, 0);
    programs_.backward_open(0, first);
    backward_embed(tokens);
    programs_.unmap_coefficients();
  }

 private:
  Recompute recompute() const { return options_.recompute; }

  // ---- the state before the first step
  void embed(const std::int32_t* tokens) {
    const StepBuffers& b = w_.layout().step.front();
    const auto look_up = [&](Index table, Index positions, T* out) {
      each_sequence([&](Index batch, Index length, Index row, Index past) {
        K::embedding_forward(context_, batch, length, width, tokens + row, values_ + table,
                             positions >= 0 ? values_ + positions + past * width : nullptr,
                             out + row * width);
      });
    };
    look_up(p_.tokens, p_.positions, w_.at(b.x));
    for (short s = 0; s < Types::streams; ++s) {
      if (p_.stream_tokens[s] >= 0) {
        look_up(p_.stream_tokens[s], p_.stream_positions[s], w_.at(b.stream[s]));
      } else {
        start(s, w_.at(b.stream[s]));
      }
    }
  }
  /// A stream that starts the same for every token.
  void start(short s, T* stream) {
    const Index size = Types::stream_size(s), rows = w_.tokens();
    const Init init = Types::FirstStep::rule.stream[s].init;
    K::fill(context_, rows * size, T(init == Init::ones ? 1 : 0), stream);
    if (init != Init::identity) return;
    constexpr Index order = Types::shape.head_dim();
    for (Index i = 0; i < order; ++i) K::fill(context_, 1, T(1), stream + i * (i + 3) / 2);
    for (Index done = 1; done < rows; done *= 2)
      K::copy(context_, (2 * done < rows ? done : rows - done) * size, stream,
              stream + done * size);
  }
  /// Calls f(sequences, tokens of each, first row, first position).
  template <class F>
  void each_sequence(F&& f) {
    if constexpr (Continues) {
      const NewTokens& now = continuation_->now;
      for (Index b = 0, row = 0; b < now.sequences; row += now.count[b++])
        if (now.count[b] > 0) f(1, now.count[b], row, now.past[b]);
    } else {
      f(w_.batch(), w_.length(), 0, 0);
    }
  }
  void backward_embed(const std::int32_t* tokens) {
    const auto scatter = [&](MemoryPlan::Handle from, Index table, Index positions) {
      K::embedding_backward(context_, w_.batch(), w_.length(), width, tokens, w_.at(from),
                            gradients_ + table, positions >= 0 ? gradients_ + positions : nullptr);
    };
    scatter(w_.layout().x_gradient, p_.tokens, p_.positions);
    for (short s = 0; s < Types::streams; ++s)
      if (p_.stream_tokens[s] >= 0)
        scatter(w_.layout().stream_gradient[s], p_.stream_tokens[s], p_.stream_positions[s]);
  }

  // ---- through the layers
  /// Calls f<J>() for every step of a layer of stack I.
  template <std::size_t I, class F>
  static void each_step(F&& f) {
    [&]<int... J>(std::integer_sequence<int, J...>) { (f.template operator()<J>(), ...); }
    (std::make_integer_sequence<int, Layer<I>::steps>{});
  }

  /// The oracles of step k and the program after it.
  template <class Here, class Guide = AsTrained>
  void forward_step(Here here, Index k, const Guide& guide = {}) {
    forward_oracles(here, k);
    guide.answered(here);
    Types::after(options_.layers, here, [&](auto next) {
      guide.choose(
          here, [&](auto a) { guide.choose(next, [&](auto b) { programs_.forward(k, a, b); }); });
    });
  }
  /// Calls f(step J of a layer by itself, what comes after it there).
  template <std::size_t I, int J, class Guide, class F>
  static void within_layer(Index layer, const Guide& guide, F&& f) {
    constexpr bool ends = J + 1 == Layer<I>::steps;
    using Next = std::conditional_t<ends, LayerEnd, Place<I, J + 1>>;
    Next next{};
    if constexpr (!ends) next.layer = layer;
    guide.choose(Place<I, J>{layer},
                 [&](auto here) { guide.choose(next, [&](auto after) { f(here, after); }); });
  }

  template <std::size_t I>
  void backward_stack() {
    constexpr int last = Layer<I>::steps - 1;
    for (Index l = options_.layers[I]; l-- > 0;)
      each_step<I>([&]<int J>() { backward_step(Place<I, last - J>{l}, --number_); });
  }
  /// The oracles of the step after step k, which have seen the query made here, then the program
  /// between them.
  template <class Here>
  void backward_step(Here here, Index k) {
    constexpr bool ends_layer = Here::step + 1 == Layer<Here::stack>::steps;
    Types::after(options_.layers, here, [&](auto next) {
      if constexpr (!std::is_same_v<decltype(next), TheEnd>) {
        if (recompute() == Recompute::activations) programs_.forward(k, here, next);
        backward_oracles(next, k + 1);
      }
      if (ends_layer && recompute() == Recompute::layers && !fresh(here))
        forward_layer_again(here, k - Here::step);
      programs_.backward(k, here, next);
    });
  }
  /// Whether what its stack does not keep is this layer's, since no other came after it.
  template <class Here>
  bool fresh(Here here) const {
    return here.layer + 1 == options_.layers[Here::stack];
  }
  /// Everything within a layer that starts with step k: its last step's answer is the end.
  template <class Here>
  void forward_layer_again(Here here, Index k) {
    constexpr std::size_t I = Here::stack;
    each_step<I>([&]<int J>() {
      const Place<I, J> at{here.layer};
      if constexpr (J + 1 < Layer<I>::steps)
        forward_step(at, k + J);
      else
        forward_oracles(at, k + J);
    });
  }

  // ---- oracles
  template <class Here>
  void forward_oracles(Here here, Index k) {
    const StepBuffers& b = w_.layout().step[static_cast<std::size_t>(k)];
    each_oracle(here, [&]<class O>(auto o, const auto& at, const auto& cache, const auto& scratch) {
      const T* y = w_.at(b.query[o]);
      T* g = w_.at(b.answer[o]);
      const auto forward = [&] {
        O::forward(context_, values_, at, w_.arena(), cache, scratch, w_.batch(), w_.length(), y,
                   g);
      };
      if constexpr (!Continues) {  // first by itself: it decides whether Continuation is complete
        forward();
      } else if constexpr (!oracle_remembers<O>) {
        forward();
      } else {
        constexpr int oracle = Layer<Here::stack>::first_oracle(Here::step) + o;
        O::decode(context_, values_, at, w_.arena(), cache, scratch,
                  continuation_->template past_of<Here::stack, oracle>(here.layer),
                  continuation_->now, y, g);
      }
    });
  }
  template <class Here>
  void backward_oracles(Here here, Index k) {
    const auto& layout = w_.layout();
    const StepBuffers& b = layout.step[static_cast<std::size_t>(k)];
    each_oracle(here, [&]<class O>(auto o, const auto& at, const auto& cache, const auto& scratch) {
      const T* y = w_.at(b.query[o]);
      if constexpr (oracle_refills_cache<O>)
        if (recompute() == Recompute::activations && !fresh(here))
          O::refill_cache(context_, values_, at, w_.arena(), cache, w_.batch(), w_.length(), y);
      O::backward(context_, values_, gradients_, at, w_.arena(), cache, scratch, w_.batch(),
                  w_.length(), y, w_.at(layout.answer_gradient), w_.at(layout.query_gradient[o]));
    });
  }
  /// Calls f<Oracle on this backend>(number within the step, a constant, offsets, cache, scratch).
  template <class Here, class F>
  void each_oracle(Here here, F&& f) {
    constexpr std::size_t I = Here::stack;
    using L = Layer<I>;
    const auto layer = static_cast<std::size_t>(here.layer);
    auto& buffers = std::get<I>(w_.layout().oracles);
    [&]<std::size_t... O>(std::index_sequence<O...>) {
      constexpr auto first = static_cast<std::size_t>(L::first_oracle(Here::step));
      (f.template operator()<typename std::tuple_element_t<
           first + O, typename L::Oracles>::template on<typename Types::Backend, T, Types::shape>>(
           std::integral_constant<int, static_cast<int>(O)>{},
           std::get<first + O>(std::get<I>(p_.layers)[layer].oracle),
           std::get<first + O>(buffers.cache[layer]), std::get<first + O>(buffers.scratch)),
       ...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(L::template Step<Here::step>::oracles)>{});
  }

  Context& context_;
  const LanguageModelOptions& options_;
  const ModelParameters<Types>& p_;
  const T* values_;
  ModelWorkspace<Types>& w_;
  StepPrograms<Types> programs_;
  const Continuation<Types>* continuation_ = nullptr;
  T* gradients_ = nullptr;
  Index number_ = 0;  ///< of the step at hand
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
