// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include <optiform/depth/parameters.hpp>
#include <optiform/rules/gradient_descent.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// x' = x + g asked at x, beside streams that pass by unchanged.
constexpr Recording plain_recording(const Recording& rule) {
  Recording r;
  r.streams = rule.streams;
  const short x = r.graph.input(0);
  for (short s = 1; s <= rule.streams; ++s) {
    r.stream[s - 1] = rule.stream[s - 1];
    r.now[s] = r.graph.input(s, rule.unit(s));
  }
  r.query = x;
  r.now[0] = r.read_out = r.graph.add(x, r.graph.input(static_cast<short>(rule.streams + 1)));
  r.graph.inputs = static_cast<short>(rule.streams + 2);
  return r;
}

/// The ordinary residual connection in place of another step, with its oracles and pre-norms.
template <class D>
struct Plain : D {
  static constexpr Recording rule = plain_recording(D::rule);
  static constexpr short coefficients = 0, gains = 0;
};

/// A Place whose step is left to its plain stand-in.
template <std::size_t I, int J>
struct PlainPlace : Place<I, J> {};

/// The Place that a stand-in stands for.
template <class At>
struct trained_place {
  using type = At;
};
template <std::size_t I, int J>
struct trained_place<PlainPlace<I, J>> {
  using type = Place<I, J>;
};

template <class Types, std::size_t I, int J>
struct step_at<Types, PlainPlace<I, J>> {
  using type = Plain<typename Types::template Layer<I>::template Step<J>>;
};

/// What comes after the last step of a layer that is looked at by itself.
struct LayerEnd {};

template <class Types>
struct step_at<Types, LayerEnd> {
  using type = LayerEnd;
};

/// Last program of such a layer: the step's iterate, and nothing else.
template <class A>
struct Leaving : Closing<A, Norm::layer_norm> {
  static constexpr Graph build() {
    Graph g;
    g.emit(Sink::store, 0, step<A>(g, read_state<A>(g)).x);
    g.inputs = static_cast<short>(A::streams + 1 + A::oracles);
    g.stores = 1;
    g.columns = A::gains;
    g.coefficients = A::coefficients;
    return g;
  }
};

template <class A, Norm Final>
struct program_between<A, LayerEnd, Final> {
  using type = Leaving<A>;
};

/// The point at which a step asks its oracles, before their norms.
template <class D>
struct QueryPoint : Opening<D, false> {
  static constexpr Graph build() {
    Graph g;
    const auto state = read_state<D>(g);
    Splice splice(g, D::rule, D::reading(0, 0));
    bind_state<D>(splice, state);
    g.emit(Sink::store, 0, splice.copy(D::rule.query), 0);
    g.inputs = static_cast<short>(D::streams + 1);
    g.stores = 1;
    g.coefficients = D::coefficients;
    return g;
  }
};

/// Steers a forward pass: which step a Place stands for, and who looks at its oracles' answers.
/// This one leaves everything as it was trained.
struct AsTrained {
  /// Calls f(at), or f(another Place or stand-in for it).
  template <class At, class F>
  void choose(At at, F&& f) const {
    f(at);
  }
  /// The oracles at this Place, and their caches, have just been filled.
  template <class At>
  void answered(At) const {}
};

/// Every step is plain.
template <class Types>
struct AllPlain : AsTrained {
  template <std::size_t I, int J, class F>
  void choose(Place<I, J> at, F&& f) const {
    using Rule = typename Types::template StepAt<Place<I, J>>::Rule;
    if constexpr (std::is_same_v<Rule, GradientDescent>)  // it is plain already
      f(at);
    else
      f(PlainPlace<I, J>{at});
  }
  template <class End, class F>
  void choose(End end, F&& f) const {
    f(end);
  }
};

}  // namespace detail

/// Some layers of a model, by number through all stacks.
class LayerChoice {
 public:
  /// None of them.
  explicit LayerChoice(Index layers) : chosen_(static_cast<std::size_t>(layers)) {}

  /// Adds layers first .. last. Errors  layers that the model does not have.
  LayerChoice& add(Index first, Index last) {
    if (first < 0 || last < first || last >= layers())
      fail("layers ", first, " to ", last, " were chosen; expected numbers from 0 to ",
           layers() - 1, " in rising order");
    for (Index l = first; l <= last; ++l) chosen_[static_cast<std::size_t>(l)] = true;
    return *this;
  }
  Index layers() const { return static_cast<Index>(chosen_.size()); }
  bool contains(Index layer) const { return chosen_[static_cast<std::size_t>(layer)]; }

 private:
  std::vector<bool> chosen_;
};

OPTIFORM_NAMESPACE_END
