// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/backend.hpp>
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
/// Contract  values are read, gradients accumulated; states live in the workspace. A step is
///           numbered through all layers; the program that follows it holds its rule's step and
///           the next query.
template <class Types, bool Continues = false>
class ModelPass {
  using T = typename Types::T;
  using Wide = wide_t<T>;
  using K = kernels<typename Types::Backend>;
  static constexpr Index width = Types::width;
  static constexpr int most_coefficients = Recording::max_coefficients;
  template <std::size_t I>
  using Layer = typename Types::template Layer<I>;

 public:
  using Context = typename K::Context;

  ModelPass(Context& context, const LanguageModelOptions& options,
            const ModelParameters<Types>& parameters, const T* values, ModelWorkspace<Types>& w)
      : context_(context), options_(options), p_(parameters), values_(values), w_(w) {}
  ModelPass(Context& context, const LanguageModelOptions& options,
            const ModelParameters<Types>& parameters, const T* values, ModelWorkspace<Types>& w,
            const Continuation<Types>& continuation) requires Continues
      : ModelPass(context, options, parameters, values, w) {
    continuation_ = &continuation;
  }

  void forward(const std::int32_t* tokens) {
    map_coefficients();
    embed(tokens);
    open();
    Types::each_stack([&]<std::size_t I>() { forward_stack<I>(); });
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
      K::cross_entropy(context_, n, vocabulary, logits, targets + first, scale, losses + first);
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
    Wide* sums = w_.template at<Wide>(w_.layout().coefficient_gradients);
    const auto steps = static_cast<Index>(w_.layout().step.size());
    for (Index i = 0; i < steps * most_coefficients; ++i) sums[i] = Wide(0);
    number_ = steps;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (backward_stack<Types::stacks - 1 - I>(), ...);
    }
    (typename Types::Stacks{});
    backward_open();
    backward_embed(tokens);
    unmap_coefficients();
  }

 private:
  // ---- coefficients: raw numbers through sigmoid and softplus
  template <class F>
  void each_step(F&& f) {
    Index k = 0;
    Types::each_stack([&]<std::size_t I>() {
      for (const auto& layer : std::get<I>(p_.layers))
        for (const StepOffsets& step : layer.step) f(k++, step);
    });
  }
  Wide* coefficients(Index k) {
    return w_.template at<Wide>(w_.layout().coefficients) + k * most_coefficients;
  }
  Wide* coefficient_gradients(Index k) {
    return w_.template at<Wide>(w_.layout().coefficient_gradients) + k * most_coefficients;
  }
  void map_coefficients() {
    each_step([&](Index k, const StepOffsets& step) {
      for (short c = 0; c < step.rule->coefficients; ++c)
        coefficients(k)[c] =
            step.coefficient[c] >= 0
                ? mapped_coefficient(step.rule->coefficient[c], Wide(values_[step.coefficient[c]]))
                : Wide(step.constant[c]);
    });
  }
  void unmap_coefficients() {
    each_step([&](Index k, const StepOffsets& step) {
      for (short c = 0; c < step.rule->coefficients; ++c)
        if (step.coefficient[c] >= 0)
          gradients_[step.coefficient[c]] +=
              T(coefficient_gradients(k)[c] *
                mapped_derivative(step.rule->coefficient[c], Wide(values_[step.coefficient[c]])));
    });
  }

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
        const bool ones = Types::FirstStep::rule.stream[s].init == Init::ones;
        K::fill(context_, w_.tokens() * width, T(ones ? 1 : 0), w_.at(b.stream[s]));
      }
    }
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

  // ---- row programs
  RowArguments<T> arguments(MemoryPlan::Handle statistic) {
    RowArguments<T> a;
    a.rows = w_.tokens();
    a.length = width;
    if (w_.layout().pass == Pass::training) {
      a.statistic = w_.at(statistic);
      a.workspace = w_.template at<std::byte>(w_.layout().row_workspace);
    }
    return a;
  }
  void read_state(RowArguments<T>& a, const StepBuffers& b) {
    a.input[0] = w_.at(b.x);
    for (short s = 0; s < Types::streams; ++s) a.input[s + 1] = w_.at(b.stream[s]);
  }
  /// Adjoints of the state after the program come in, those of the state before it go out, in
  /// place; an adjoint the program does not write is zero.
  void pass_state_gradients(RowArguments<T>& a, int first_adjoint) {
    const auto& at = w_.layout();
    for (short s = -1; s < Types::streams; ++s) {
      T* gradient = w_.at(s < 0 ? at.x_gradient : at.stream_gradient[s]);
      if (first_adjoint >= 0) a.input[first_adjoint + s + 1] = gradient;
      a.output[s + 1] = gradient;
    }
  }
  template <class Program>
  void run(RowArguments<T>& a) {
    static_assert(Program::graph.statistics <= ModelLayout<Types>::max_statistics,
                  "optiform: LanguageModel - a row program saves more than 16 sums per row");
    static_assert(
        Program::graph.inputs <= RowArguments<T>::max_buffers && Program::graph.columns <= 8,
        "optiform: LanguageModel - a row program has too many buffers or gains");
    K::template run_rows<Program, width>(context_, a);
  }
  template <class Program>
  void run_backward(RowArguments<T>& a) {
    run<Program>(a);
    for (short s = -1; s < Types::streams; ++s)
      if (!writes<Program>(s + 1)) K::fill(context_, w_.tokens() * width, T(0), a.output[s + 1]);
  }
  /// Appends the rule coefficients of step k to a program's.
  void give(RowArguments<T>& a, int first, Index k, short count) {
    for (short c = 0; c < count; ++c) a.coefficient[first + c] = coefficients(k)[c];
  }
  void take(const Wide* gradient, Index k, short count) {
    for (short c = 0; c < count; ++c) coefficient_gradients(k)[c] += gradient[c];
  }
  void column(RowArguments<T>& a, int i, Index offset) {
    a.column[i] = values_ + offset;
    if (gradients_ != nullptr) a.column_gradient[i] = gradients_ + offset;
  }

  void open() {
    using D = typename Types::FirstStep;
    const StepBuffers& b = w_.layout().step.front();
    RowArguments<T> a = opening_arguments();
    for (short o = 0; o < D::oracles; ++o) a.output[D::streams + 1 + o] = w_.at(b.query[o]);
    run<Forward<Opening<D, false>>>(a);
  }
  void backward_open() {
    using D = typename Types::FirstStep;
    using Program = Backward<Opening<D, true>>;
    RowArguments<T> a = opening_arguments();
    const int adjoints = D::streams + 1;
    pass_state_gradients(a, adjoints);
    for (short o = 0; o < D::oracles; ++o)
      a.input[adjoints + D::streams + 1 + o] = w_.at(w_.layout().query_gradient[o]);
    Wide gradient[most_coefficients]{};
    a.coefficient_gradient = gradient;
    run_backward<Program>(a);
    take(gradient, 0, D::coefficients);
  }
  RowArguments<T> opening_arguments() {
    using D = typename Types::FirstStep;
    RowArguments<T> a = arguments(w_.layout().opening_statistic);
    read_state(a, w_.layout().step.front());
    give(a, 0, 0, D::coefficients);
    const StepOffsets& first = std::get<0>(p_.layers).front().step.front();
    for (short o = 0; o < D::oracles; ++o) column(a, o, first.pre_norm[o]);
    return a;
  }

  /// What a program after step k of dynamics A reads.
  template <class A>
  RowArguments<T> step_arguments(Index k, const StepOffsets& step) {
    const StepBuffers& b = w_.layout().step[static_cast<std::size_t>(k)];
    RowArguments<T> a = arguments(b.statistic);
    read_state(a, b);
    for (short o = 0; o < A::oracles; ++o) a.input[A::streams + 1 + o] = w_.at(b.answer[o]);
    give(a, 0, k, A::coefficients);
    for (short n = 0; n < A::gains; ++n) column(a, n, step.gain[n]);
    return a;
  }
  template <class A, class B>
  RowArguments<T> boundary_arguments(Index k, const StepOffsets& step, const StepOffsets& next) {
    RowArguments<T> a = step_arguments<A>(k, step);
    give(a, A::coefficients, k + 1, B::coefficients);
    for (short o = 0; o < B::oracles; ++o) column(a, A::gains + o, next.pre_norm[o]);
    return a;
  }

  /// Calls f.boundary<B>(next step's offsets) or f.closing() for what follows step J of layer l.
  template <std::size_t I, int J, class F>
  void follow(Index l, F&& f) {
    using L = Layer<I>;
    const auto& layers = std::get<I>(p_.layers);
    const auto at = static_cast<std::size_t>(l);
    if constexpr (J + 1 < L::steps) {
      f.template operator()<typename L::template Step<J + 1>>(
          &layers[at].step[static_cast<std::size_t>(J + 1)]);
    } else if (l + 1 < static_cast<Index>(layers.size())) {
      f.template operator()<typename L::template Step<0>>(&layers[at + 1].step[0]);
    } else if constexpr (I + 1 < Types::stacks) {
      f.template operator()<typename Layer<I + 1>::template Step<0>>(
          &std::get<I + 1>(p_.layers).front().step[0]);
    } else {
      f.template operator()<void>(nullptr);
    }
  }

  // ---- forward through the layers
  template <std::size_t I>
  void forward_stack() {
    using L = Layer<I>;
    if constexpr (I == 0) number_ = 0;
    for (Index l = 0; l < options_.layers[I]; ++l)
      [&]<std::size_t... J>(std::index_sequence<J...>) {
        (forward_step<I, static_cast<int>(J)>(l), ...);
      }
    (std::make_index_sequence<static_cast<std::size_t>(L::steps)>{});
  }
  template <std::size_t I, int J>
  void forward_step(Index l) {
    using A = typename Layer<I>::template Step<J>;
    const Index k = number_++;
    const StepBuffers& b = w_.layout().step[static_cast<std::size_t>(k)];
    each_oracle<I, J>(
        l, [&]<class O>(auto o, const auto& at, const auto& cache, const auto& scratch) {
          const T* y = w_.at(b.query[o]);
          T* g = w_.at(b.answer[o]);
          if constexpr (Continues && oracle_remembers<O>)
            O::decode(context_, values_, at, w_.arena(), cache, scratch,
                      continuation_->template past_of<I, Layer<I>::first_oracle(J) + o>(l),
                      continuation_->now, y, g);
          else
            O::forward(context_, values_, at, w_.arena(), cache, scratch, w_.batch(), w_.length(),
                       y, g);
        });
    const StepOffsets& step =
        std::get<I>(p_.layers)[static_cast<std::size_t>(l)].step[static_cast<std::size_t>(J)];
    follow<I, J>(l, [&]<class B>(const StepOffsets* next) {
      if constexpr (std::is_void_v<B>) {
        RowArguments<T> a = step_arguments<A>(k, step);
        column(a, A::gains, p_.final_norm);
        a.output[0] = w_.at(w_.layout().seen);
        run<Forward<Closing<A, Types::ends.head.norm>>>(a);
      } else {
        RowArguments<T> a = boundary_arguments<A, B>(k, step, *next);
        const StepBuffers& after = w_.layout().step[static_cast<std::size_t>(k + 1)];
        a.output[0] = w_.at(after.x);
        for (short s = 0; s < B::streams; ++s) a.output[s + 1] = w_.at(after.stream[s]);
        for (short o = 0; o < B::oracles; ++o) a.output[B::streams + 1 + o] = w_.at(after.query[o]);
        run<Forward<Boundary<A, B>>>(a);
      }
    });
  }

  // ---- backward through the layers
  template <std::size_t I>
  void backward_stack() {
    using L = Layer<I>;
    for (Index l = options_.layers[I]; l-- > 0;) [&]<std::size_t... J>(std::index_sequence<J...>) {
        (backward_step<I, L::steps - 1 - static_cast<int>(J)>(l), ...);
      }
    (std::make_index_sequence<static_cast<std::size_t>(L::steps)>{});
  }
  template <std::size_t I, int J>
  void backward_step(Index l) {
    using A = typename Layer<I>::template Step<J>;
    const Index k = --number_;
    const auto& at = w_.layout();
    const StepBuffers& b = at.step[static_cast<std::size_t>(k)];
    const StepOffsets& step =
        std::get<I>(p_.layers)[static_cast<std::size_t>(l)].step[static_cast<std::size_t>(J)];
    constexpr int adjoints = A::streams + 1 + A::oracles;
    Wide gradient[2 * most_coefficients]{};
    follow<I, J>(l, [&]<class B>(const StepOffsets* next) {
      if constexpr (std::is_void_v<B>) {
        using Program = Backward<Closing<A, Types::ends.head.norm>>;
        RowArguments<T> a = step_arguments<A>(k, step);
        column(a, A::gains, p_.final_norm);
        a.input[adjoints] = w_.at(at.seen_gradient);
        pass_state_gradients(a, -1);
        a.output[A::streams + 1] = w_.at(at.answer_gradient);
        a.coefficient_gradient = gradient;
        run_backward<Program>(a);
      } else {
        using Program = Backward<Boundary<A, B>>;
        RowArguments<T> a = boundary_arguments<A, B>(k, step, *next);
        pass_state_gradients(a, adjoints);
        for (short o = 0; o < B::oracles; ++o)
          a.input[adjoints + B::streams + 1 + o] = w_.at(at.query_gradient[o]);
        a.output[A::streams + 1] = w_.at(at.answer_gradient);
        a.coefficient_gradient = gradient;
        run_backward<Program>(a);
        take(gradient + A::coefficients, k + 1, B::coefficients);
      }
    });
    take(gradient, k, A::coefficients);
    each_oracle<I, J>(
        l, [&]<class O>(int o, const auto& offsets, const auto& cache, const auto& scratch) {
          O::backward(context_, values_, gradients_, offsets, w_.arena(), cache, scratch,
                      w_.batch(), w_.length(), w_.at(b.query[o]), w_.at(at.answer_gradient),
                      w_.at(at.query_gradient[o]));
        });
  }

  /// Calls f<Oracle on this backend>(number within the step, a constant, offsets, cache, scratch).
  template <std::size_t I, int J, class F>
  void each_oracle(Index l, F&& f) {
    using L = Layer<I>;
    const auto layer = static_cast<std::size_t>(l);
    auto& buffers = std::get<I>(w_.layout().oracles);
    [&]<std::size_t... O>(std::index_sequence<O...>) {
      constexpr auto first = static_cast<std::size_t>(L::first_oracle(J));
      (f.template operator()<typename std::tuple_element_t<
           first + O, typename L::Oracles>::template on<typename Types::Backend, T, Types::shape>>(
           std::integral_constant<int, static_cast<int>(O)>{},
           std::get<first + O>(std::get<I>(p_.layers)[layer].oracle),
           std::get<first + O>(buffers.cache[layer]), std::get<first + O>(buffers.scratch)),
       ...);
    }
    (std::make_index_sequence<static_cast<std::size_t>(L::template Step<J>::oracles)>{});
  }

  Context& context_;
  const LanguageModelOptions& options_;
  const ModelParameters<Types>& p_;
  const T* values_;
  ModelWorkspace<Types>& w_;
  const Continuation<Types>* continuation_ = nullptr;
  T* gradients_ = nullptr;
  Index number_ = 0;  ///< of the step at hand
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
