// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/square.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Base of every update rule.
///
/// A rule is a struct of symbolic members whose mathematics are two ordinary member functions:
///
///   struct HeavyBall : Rule {
///     Row    v     = stream("velocity");
///     Scalar beta  = unit("beta", 0.5), gamma = positive("gamma", ln2);
///     constexpr Row  query() const { return x; }
///     constexpr void step(Row g) { v = normalise(beta * v + gamma * g);  x += v; }
///   };
///
/// Contract  `g` is a direction that is added: drivers own the sign. Rules compose by inheritance.
/// See       docs/write_your_own_rule.md
struct Rule {
 private:
  Recording recording_{};
  friend struct Recorder;

 public:
  Row x{&recording_, (recording_.graph.inputs = 1, recording_.graph.input(0)), 0};  ///< iterate

  constexpr Rule() = default;
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  /// What the head of a network sees after the last step.
  constexpr Row read_out() const { return x; }

 protected:
  /// A row carried beside the iterate.
  constexpr Row stream(const char* name, Init init = Init::learned, StreamNames names = {}) {
    if (init == Init::identity) recording_.blame(Fault::wrong_start);
    const short slot = carry({name, init, names});
    return Row(&recording_, recording_.now[slot], slot);
  }
  constexpr Row stream(const char* name, StreamNames names) {
    return stream(name, Init::learned, names);
  }
  /// A symmetric matrix carried beside the iterate; it starts at the identity or at zero.
  constexpr Square covariance(const char* name, Init init = Init::identity) {
    if (init != Init::identity && init != Init::zeros) recording_.blame(Fault::wrong_start);
    const short slot = carry({name, init, {}, Unit::square});
    return Square(&recording_, recording_.now[slot], slot);
  }
  /// A learned number in (0, 1); `initial` is its value when training starts.
  constexpr Scalar unit(const char* name, double initial, Extent extent = Extent::one) {
    return declare({name, CoefficientKind::unit, extent, initial});
  }
  /// A learned number in (0, inf).
  constexpr Scalar positive(const char* name, double initial, Extent extent = Extent::one) {
    return declare({name, CoefficientKind::positive, extent, initial});
  }
  /// A number given at run time, never learned.
  constexpr Scalar constant(const char* name, double value) {
    return declare({name, CoefficientKind::constant, Extent::one, value});
  }
  /// The step size: 1 in depth, the scheduled learning rate elsewhere.
  constexpr Scalar rate(const char* name) {
    return declare({name, CoefficientKind::rate, Extent::one, 1});
  }
  /// Fixes a coefficient at compile time; it is no longer learned and folds into the program.
  constexpr void pin(Scalar& coefficient, double value) {
    if (coefficient.coefficient_ < 0) return recording_.blame(Fault::pinned_no_coefficient);
    CoefficientInfo& info = recording_.coefficient[coefficient.coefficient_];
    info.pinned = true;
    info.pinned_value = value;
    coefficient.id_ = recording_.graph.constant(value);
  }

 private:
  /// Declares a stream; returns its slot.
  constexpr short carry(StreamInfo info) {
    Recording& r = recording_;
    if (r.streams == Recording::max_streams) {
      r.blame(Fault::too_large);
      return r.streams;
    }
    for (short s = 0; s < r.streams; ++s)
      if (same_name(r.stream[s].name, info.name)) r.blame(Fault::name_taken, s);
    // What drivers call vectors of their own, beside the streams in a checkpoint.
    if (same_name(info.name, "iterate") || same_name(info.name, "average"))
      r.blame(Fault::name_taken);
    r.stream[r.streams++] = info;
    r.now[r.streams] = r.graph.input(r.streams, info.unit);
    return r.streams;
  }
  constexpr Scalar declare(CoefficientInfo info) {
    Recording& r = recording_;
    if (r.coefficients == Recording::max_coefficients) {
      r.blame(Fault::too_large);
      return Scalar(info.initial);
    }
    for (short c = 0; c < r.coefficients; ++c)
      if (same_name(r.coefficient[c].name, info.name)) r.blame(Fault::name_taken, c);
    const short index = r.coefficients++;
    r.coefficient[index] = info;
    return Scalar(&r, r.graph.coefficient(index), index);
  }
};

OPTIFORM_NAMESPACE_END
