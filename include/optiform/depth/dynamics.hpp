// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How the streams of a network start.
enum class StreamStart : unsigned char {
  as_declared,  ///< what the rule says: a learned table, zeros or ones
  zeros         ///< learned tables are left out; those streams start at zero
};

/// Choices of a residual block that change which code exists.
struct DepthOptions {
  Norm velocity_norm = Norm::layer_norm;  ///< what the rule's `normalise` is
  StreamStart start = StreamStart::as_declared;
  bool shared_gain = false;          ///< one gain of that norm for all steps of a layer
  Norm pre_norm = Norm::layer_norm;  ///< what an oracle's input goes through

  friend constexpr bool operator==(const DepthOptions&, const DepthOptions&) = default;
};

/// The part of a step that depends on the rule alone: which rule, and how many oracles are summed.
///
/// Buffers   of its programs: 0 iterate, 1..streams, then one per oracle.
template <class R, DepthOptions Options, int Oracles>
struct Dynamics {
  static_assert(Options.pre_norm != Norm::none,
                "optiform: DepthOptions - oracles see normalised states; choose pre_norm = "
                "Norm::layer_norm or Norm::rms_norm");
  using Rule = R;
  using Operations = typename detail::own_operations<R>::type;
  static constexpr DepthOptions options = Options;
  static constexpr const Recording& rule = recording<R>;
  static constexpr short streams = recording<R>.streams;
  static constexpr short oracles = Oracles;
  static constexpr short coefficients = recording<R>.coefficients;
  /// Learned vectors of the rule's norms, and of its oracles' pre-norms.
  static constexpr short gains = recording<R>.norms * columns_of(Options.velocity_norm);
  static constexpr short pre_norm_columns = Oracles * columns_of(Options.pre_norm);

  static constexpr Reading reading(int coefficient, int column) {
    return {.norm = Options.velocity_norm,
            .clock = false,
            .unit_rate = true,
            .coefficient = static_cast<short>(coefficient),
            .column = static_cast<short>(column)};
  }
};

/// Whether two rules carry the same streams, by number, name and unit.
template <class A, class B>
constexpr bool carry_same_streams() {
  if (A::streams != B::streams) return false;
  for (short s = 0; s < A::streams; ++s)
    if (!same_name(A::rule.stream[s].name, B::rule.stream[s].name) ||
        A::rule.stream[s].unit != B::rule.stream[s].unit)
      return false;
  return true;
}

namespace detail {

/// Node numbers of the state between two steps.
struct State {
  short x = 0;
  short stream[Recording::max_streams]{};
};

/// Reads the state as inputs 0..streams.
template <class D>
constexpr State read_state(Graph& g) {
  State s;
  s.x = g.input(0);
  for (short i = 1; i <= D::streams; ++i) s.stream[i - 1] = g.input(i, D::rule.unit(i));
  return s;
}

template <class D>
constexpr void write_state(Graph& g, const State& s) {
  g.emit(Sink::store, 0, s.x);
  for (short i = 1; i <= D::streams; ++i)
    g.emit(Sink::store, i, s.stream[i - 1], -1, D::rule.unit(i));
}

template <class D>
constexpr void bind_state(Splice& splice, const State& s) {
  splice.bind(0, s.x);
  for (short i = 0; i < D::streams; ++i) splice.bind(static_cast<short>(i + 1), s.stream[i]);
}

/// The rule's step on the state and the sum of its oracles, at inputs streams + 1 onwards.
/// Returns the new state; `seen` becomes the rule's read-out.
template <class D>
constexpr State step(Graph& g, const State& before, short* seen = nullptr) {
  Splice splice(g, D::rule, D::reading(0, 0));
  bind_state<D>(splice, before);
  short direction = g.input(static_cast<short>(D::streams + 1));
  for (short o = 1; o < D::oracles; ++o)
    direction = g.add(direction, g.input(static_cast<short>(D::streams + 1 + o)));
  splice.bind(static_cast<short>(D::streams + 1), direction);
  State after;
  after.x = splice.copy(D::rule.now[0]);
  for (short i = 0; i < D::streams; ++i) after.stream[i] = splice.copy(D::rule.now[i + 1]);
  if (seen != nullptr) *seen = splice.copy(D::rule.read_out);
  return after;
}

/// The rule's query, through the pre-norm of each of its oracles, at stores streams + 1 onwards.
template <class D>
constexpr void ask(Graph& g, const State& s, int coefficient, int column) {
  Splice splice(g, D::rule, D::reading(coefficient, 0));
  bind_state<D>(splice, s);
  const short q = splice.copy(D::rule.query);
  for (short o = 0; o < D::oracles; ++o)
    g.emit(Sink::store, static_cast<short>(D::streams + 1 + o),
           normalised(g, D::options.pre_norm, q,
                      static_cast<short>(column + o * columns_of(D::options.pre_norm))));
}

/// Adjoints of the state overwrite those of the next state; of several summed oracles only the
/// first adjoint is stored, for they are equal.
template <class D>
constexpr InPlace state_in_place(short oracles) {
  InPlace p;
  for (short i = 0; i <= D::streams; ++i) p.of[i] = i;
  for (short o = 1; o < oracles; ++o) p.of[D::streams + 1 + o] = InPlace::unwanted;
  return p;
}

}  // namespace detail

/// First program of a network: the normalised query of the first step.
///
/// Buffers   in: x, streams. out: (x, streams if KeepState), then one query per oracle.
/// Columns   those of one pre-norm per oracle.
template <class D, bool KeepState>
struct Opening {
  using Operations = typename D::Operations;
  static constexpr Graph build() {
    Graph g;
    const auto state = detail::read_state<D>(g);
    if (KeepState) detail::write_state<D>(g, state);
    detail::ask<D>(g, state, 0, 0);
    g.inputs = static_cast<short>(D::streams + 1);
    g.stores = static_cast<short>(D::streams + 1 + D::oracles);
    g.columns = D::pre_norm_columns;
    g.coefficients = D::coefficients;
    return g;
  }
  static constexpr InPlace in_place = detail::state_in_place<D>(0);
};

/// Between two steps: the step of A, then the query of B through its pre-norms, in one pass.
///
/// Buffers      in: x, streams, A's oracle outputs. out: x, streams, B's queries.
/// Columns      A's gains, then those of B's pre-norms.
/// Coefficients A's, then B's.
template <class A, class B>
struct Boundary {
  static_assert(carry_same_streams<A, B>(),
                "optiform: Boundary - two consecutive blocks carry different streams; give all "
                "blocks of a network rules with the same streams [docs/write_your_own_rule.md]");
  using Operations = decltype(typename A::Operations{} + typename B::Operations{});
  static constexpr Graph build() {
    Graph g;
    const auto after = detail::step<A>(g, detail::read_state<A>(g));
    detail::write_state<B>(g, after);
    detail::ask<B>(g, after, A::coefficients, A::gains);
    g.inputs = static_cast<short>(A::streams + 1 + A::oracles);
    g.stores = static_cast<short>(B::streams + 1 + B::oracles);
    g.columns = static_cast<short>(A::gains + B::pre_norm_columns);
    g.coefficients = static_cast<short>(A::coefficients + B::coefficients);
    return g;
  }
  static constexpr InPlace in_place = detail::state_in_place<A>(A::oracles);
};

/// Last program of a network: the last step, the read-out and the final norm.
///
/// Buffers   in: x, streams, oracle outputs. out: the normalised read-out.
/// Columns   the rule's gains, then those of the final norm.
template <class A, Norm Final>
struct Closing {
  static_assert(Final != Norm::none,
                "optiform: HeadOptions - the head sees a normalised read-out; choose norm = "
                "Norm::layer_norm or Norm::rms_norm");
  using Operations = typename A::Operations;
  static constexpr Graph build() {
    Graph g;
    short seen = 0;
    detail::step<A>(g, detail::read_state<A>(g), &seen);
    g.emit(Sink::store, 0, normalised(g, Final, seen, A::gains));
    g.inputs = static_cast<short>(A::streams + 1 + A::oracles);
    g.stores = 1;
    g.columns = static_cast<short>(A::gains + columns_of(Final));
    g.coefficients = A::coefficients;
    return g;
  }
  static constexpr InPlace in_place = [] {
    InPlace p;
    for (short o = 1; o < A::oracles; ++o) p.of[A::streams + 1 + o] = InPlace::unwanted;
    return p;
  }();
};

/// Whether a program writes output buffer `index`; adjoints that are zero are not written.
template <class P>
constexpr bool writes(int index) {
  for (short o = 0; o < P::graph.outputs; ++o)
    if (P::graph.output[o].sink == Sink::store && P::graph.output[o].index == index) return true;
  return false;
}

OPTIFORM_NAMESPACE_END
