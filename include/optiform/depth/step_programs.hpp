// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/backend.hpp>
#include <optiform/depth/plain_steps.hpp>
#include <optiform/depth/workspace.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// What a model computes between its oracles, row by row: a step of a rule and the next query in
/// one program, forward and backward.
///
/// Contract  a step is numbered through all layers; the program that follows it holds its rule's
///           step and the next query. Values are read, gradients accumulated; states, queries and
///           answers live in the workspace.
template <class Types>
class StepPrograms {
  using T = typename Types::T;
  using Wide = wide_t<T>;
  using K = kernels<typename Types::Backend>;
  static constexpr Index width = Types::width;
  static constexpr int most_coefficients = Recording::max_coefficients;
  template <class Place>
  using Step = typename Types::template StepAt<Place>;
  template <class Here, class Next>
  using Between = typename Types::template Between<Here, Next>;

 public:
  using Context = typename K::Context;

  StepPrograms(Context& context, const ModelParameters<Types>& parameters, const T* values,
               ModelWorkspace<Types>& w)
      : context_(context), p_(parameters), values_(values), w_(w) {}

  /// Coefficients from raw numbers, through sigmoid and softplus.
  void map_coefficients() {
    each_step([&](Index k, const StepOffsets& step) {
      for (short c = 0; c < step.rule->coefficients; ++c)
        coefficients(k)[c] =
            step.coefficient[c] >= 0
                ? mapped_coefficient(step.rule->coefficient[c], Wide(values_[step.coefficient[c]]))
                : Wide(step.constant[c]);
    });
  }

  /// From here on gradients are added to these.
  void begin_backward(T* gradients) {
    gradients_ = gradients;
    Wide* sums = coefficient_gradients(0);
    const auto steps = static_cast<Index>(w_.layout().step.size());
    for (Index i = 0; i < steps * most_coefficients; ++i) sums[i] = Wide(0);
  }
  /// Passes the gradients of coefficients on to the raw numbers.
  void unmap_coefficients() {
    each_step([&](Index k, const StepOffsets& step) {
      for (short c = 0; c < step.rule->coefficients; ++c)
        if (step.coefficient[c] >= 0)
          gradients_[step.coefficient[c]] +=
              T(coefficient_gradients(k)[c] *
                mapped_derivative(step.rule->coefficient[c], Wide(values_[step.coefficient[c]])));
    });
  }

  /// The query of step k, which is `here`, from the state before it: that of the embedding, or one
  /// that was put there.
  template <class Here>
  void forward_open(Index k, Here here) {
    using D = Step<Here>;
    const StepBuffers& b = w_.layout().step[static_cast<std::size_t>(k)];
    RowArguments<T> a = opening_arguments<D>(k, p_.step(here));
    for (short o = 0; o < D::oracles; ++o) a.output[D::streams + 1 + o] = w_.at(b.query[o]);
    run<Forward<Opening<D, false>>>(a);
  }
  template <class Here>
  void backward_open(Index k, Here here) {
    using D = Step<Here>;
    RowArguments<T> a = opening_arguments<D>(k, p_.step(here));
    const int adjoints = D::streams + 1;
    pass_state_gradients(a, adjoints);
    read_query_gradients<D>(a, adjoints);
    Wide gradient[most_coefficients]{};
    a.coefficient_gradient = gradient;
    using Program = Opening<D, true>;
    static_assert(Forward<Program>::graph.statistics ==
                  Forward<Opening<D, false>>::graph.statistics);
    run_backward<Program>(a);
    take(gradient, k, D::coefficients);
  }
  /// Moves the iterate before step k to the point at which that step asks.
  template <class Here>
  void move_to_query(Index k, Here here) {
    using D = Step<Here>;
    RowArguments<T> a = opening_arguments<D>(k, p_.step(here));
    a.output[0] = w_.at(w_.layout().step[static_cast<std::size_t>(k)].x);
    run<Forward<QueryPoint<D>>>(a);
  }

  /// The program between step k, which is `here`, and what comes after it.
  template <class Here, class Next>
  void forward(Index k, Here here, Next next) {
    using A = Step<Here>;
    RowArguments<T> a = arguments<A>(k, p_.step(here));
    if constexpr (std::is_same_v<Next, TheEnd>) {
      final_columns<A>(a);
      a.output[0] = w_.at(w_.layout().seen);
    } else if constexpr (std::is_same_v<Next, LayerEnd>) {
      a.output[0] = w_.at(w_.layout().seen);
    } else {
      using B = Step<Next>;
      ask<A, B>(a, k, p_.step(next));
      const StepBuffers& after = w_.layout().step[static_cast<std::size_t>(k + 1)];
      a.output[0] = w_.at(after.x);
      for (short s = 0; s < B::streams; ++s) a.output[s + 1] = w_.at(after.stream[s]);
      for (short o = 0; o < B::oracles; ++o) a.output[B::streams + 1 + o] = w_.at(after.query[o]);
    }
    // Beside a plain step a rule may take sums that it shares with the rule trained there; nobody
    // goes back through such a pass.
    using Trained = Between<typename trained_place<Here>::type, typename trained_place<Next>::type>;
    using Program = Forward<Between<Here, Next>>;
    if constexpr (Program::graph.statistics > Forward<Trained>::graph.statistics)
      a.statistic = nullptr;
    run<Program>(a);
  }
  /// Its derivative: from the adjoints of the state after it and of the next query to those of the
  /// state before it and of step k's answer.
  template <class Here, class Next>
  void backward(Index k, Here here, Next next) {
    using A = Step<Here>;
    constexpr int adjoints = A::streams + 1 + A::oracles;
    RowArguments<T> a = arguments<A>(k, p_.step(here));
    Wide gradient[2 * most_coefficients]{};
    a.coefficient_gradient = gradient;
    a.output[A::streams + 1] = w_.at(w_.layout().answer_gradient);
    constexpr bool ends = std::is_same_v<Next, TheEnd> || std::is_same_v<Next, LayerEnd>;
    if constexpr (ends) {
      if constexpr (std::is_same_v<Next, TheEnd>) final_columns<A>(a);
      a.input[adjoints] = w_.at(w_.layout().seen_gradient);
      pass_state_gradients(a, -1);
    } else {
      using B = Step<Next>;
      ask<A, B>(a, k, p_.step(next));
      pass_state_gradients(a, adjoints);
      read_query_gradients<B>(a, adjoints);
    }
    run_backward<Between<Here, Next>>(a);
    // One buffer serves all steps: an adjoint that is zero must not be another step's.
    if constexpr (!writes<Backward<Between<Here, Next>>>(A::streams + 1))
      K::fill(context_, w_.tokens() * width, T(0), a.output[A::streams + 1]);
    take(gradient, k, A::coefficients);
    if constexpr (!ends) take(gradient + A::coefficients, k + 1, Step<Next>::coefficients);
  }

 private:
  // ---- coefficients
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
  /// Appends the coefficients of step k to a program's.
  void give(RowArguments<T>& a, int first, Index k, short count) {
    for (short c = 0; c < count; ++c) a.coefficient[first + c] = coefficients(k)[c];
  }
  void take(const Wide* gradient, Index k, short count) {
    for (short c = 0; c < count; ++c) coefficient_gradients(k)[c] += gradient[c];
  }

  // ---- arguments
  RowArguments<T> arguments(const StepBuffers& b, MemoryPlan::Handle statistic) {
    RowArguments<T> a;
    a.rows = w_.tokens();
    a.length = width;
    if (w_.layout().pass == Pass::training) {
      a.statistic = w_.at(statistic);
      a.workspace = w_.template at<std::byte>(w_.layout().row_workspace);
    }
    a.input[0] = w_.at(b.x);
    for (short s = 0; s < Types::streams; ++s) a.input[s + 1] = w_.at(b.stream[s]);
    return a;
  }
  /// Row sums of a query lie with those of the program that makes it in a whole pass.
  template <class D>
  RowArguments<T> opening_arguments(Index k, const StepOffsets& step) {
    const auto& at = w_.layout();
    const auto before = static_cast<std::size_t>(k > 0 ? k - 1 : 0);
    RowArguments<T> a = arguments(at.step[static_cast<std::size_t>(k)],
                                  k > 0 ? at.step[before].statistic : at.opening_statistic);
    give(a, 0, k, D::coefficients);
    for (short c = 0; c < D::pre_norm_columns; ++c) column(a, c, step.pre_norm[c]);
    return a;
  }
  /// What a program after step k of dynamics A reads.
  template <class A>
  RowArguments<T> arguments(Index k, const StepOffsets& step) {
    const StepBuffers& b = w_.layout().step[static_cast<std::size_t>(k)];
    RowArguments<T> a = arguments(b, b.statistic);
    for (short o = 0; o < A::oracles; ++o) a.input[A::streams + 1 + o] = w_.at(b.answer[o]);
    give(a, 0, k, A::coefficients);
    for (short n = 0; n < A::gains; ++n) column(a, n, step.gain[n]);
    return a;
  }
  /// What it reads for the query of the step of dynamics B after it.
  template <class A, class B>
  void ask(RowArguments<T>& a, Index k, const StepOffsets& next) {
    give(a, A::coefficients, k + 1, B::coefficients);
    for (short c = 0; c < B::pre_norm_columns; ++c) column(a, A::gains + c, next.pre_norm[c]);
  }
  /// What the program after the last step, of dynamics A, reads for the final norm.
  template <class A>
  void final_columns(RowArguments<T>& a) {
    for (short c = 0; c < columns_of(Types::ends.head.norm); ++c)
      column(a, A::gains + c, p_.final_norm[c]);
  }
  void column(RowArguments<T>& a, int i, Index offset) {
    a.column[i] = values_ + offset;
    if (gradients_ != nullptr) a.column_gradient[i] = gradients_ + offset;
  }
  template <class B>
  void read_query_gradients(RowArguments<T>& a, int adjoints) {
    for (short o = 0; o < B::oracles; ++o)
      a.input[adjoints + B::streams + 1 + o] = w_.at(w_.layout().query_gradient[o]);
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

  // ---- runs
  template <class Program>
  void run(RowArguments<T>& a) {
    static_assert(
        Program::graph.inputs <= RowArguments<T>::max_buffers && Program::graph.columns <= 8,
        "optiform: LanguageModel - a row program has too many buffers or gains");
    constexpr int heads = Program::graph.is_staged() ? Types::shape.heads : 1;
    K::template run_rows<Program, width, heads>(context_, a);
  }
  template <class Source>
  void run_backward(RowArguments<T>& a) {
    using Program = Backward<Source>;
    static_assert(Program::graph.columns == Forward<Source>::graph.columns &&
                  Program::graph.coefficients == Forward<Source>::graph.coefficients);
    run<Program>(a);
    for (short s = -1; s < Types::streams; ++s)
      if (!writes<Program>(s + 1))
        K::fill(context_, w_.tokens() * (s < 0 ? width : Types::stream_size(s)), T(0),
                a.output[s + 1]);
  }

  Context& context_;
  const ModelParameters<Types>& p_;
  const T* values_;
  ModelWorkspace<Types>& w_;
  T* gradients_ = nullptr;
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
