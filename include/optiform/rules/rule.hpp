// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/rules/graph.hpp>

OPTIFORM_NAMESPACE_BEGIN

inline constexpr double ln2 = 0.693147180559945309417;

/// Where a coefficient lives and who chooses it.
enum class CoefficientKind : unsigned char {
  unit,      ///< learned in (0, 1) through a sigmoid
  positive,  ///< learned in (0, inf) through a softplus
  constant,  ///< a run-time number, never learned, stored or counted
  rate       ///< 1 in depth, the scheduled learning rate elsewhere
};

/// How a stream starts at the first layer of a network. Weights and policies start at zero.
enum class Init : unsigned char { learned, zeros, ones };

/// Whether a learned coefficient is stored with shape [1] or as a 0-dimensional tensor.
enum class Extent : unsigned char { one, none };

/// Optional names a stream has in model files.
struct StreamNames {
  const char* prefix = nullptr;  ///< of its embedding tables; the stream's own name if absent
  const char* norm = nullptr;    ///< of its norm's gain; "ln_" and the stream's name if absent
};

struct CoefficientInfo {
  const char* name = "";
  CoefficientKind kind = CoefficientKind::unit;
  Extent extent = Extent::one;
  double initial = 0;  ///< mapped value at the start of training
  bool pinned = false;
  double pinned_value = 0;
};

struct StreamInfo {
  const char* name = "";
  Init init = Init::learned;
  StreamNames names;
};

/// What can be wrong with a rule that compiles; reported by `Recorded`.
enum class Fault : unsigned char {
  none,
  coefficient_assigned,
  scalar_as_row,
  stream_never_written,
  oracle_ignored,
  too_large
};

/// Everything a rule said when it was evaluated on symbols.
///
/// Buffers   input 0 is the iterate, 1..streams the streams, streams + 1 the oracle's output.
struct Recording {
  static constexpr int max_streams = 6;
  static constexpr int max_coefficients = 16;

  Graph graph;
  CoefficientInfo coefficient[max_coefficients]{};
  StreamInfo stream[max_streams]{};
  const char* norm_name[4]{};
  short coefficients = 0, streams = 0, norms = 0;
  short now[max_streams + 1]{};  ///< current value of the iterate (0) and of stream s (s + 1)
  short query = -1;              ///< where the oracle is asked
  short read_out = -1;           ///< what the network's head sees after the last step
  Fault fault = Fault::none;
  short fault_index = -1;

  constexpr void blame(Fault what, short index = -1) {
    if (fault == Fault::none) {
      fault = what;
      fault_index = index;
    }
  }
};

class Row;

/// A symbolic number: a coefficient, or arithmetic on coefficients and literals.
class Scalar {
 public:
  constexpr Scalar(double literal) : literal_(literal) {}
  constexpr Scalar(const Scalar& other)
      : recording_(other.recording_), id_(other.id_), literal_(other.literal_) {}
  /// Coefficients are read-only: assigning to one is reported as a fault of the rule.
  constexpr Scalar& operator=(const Scalar& other) {
    if (coefficient_ >= 0) {
      recording_->blame(Fault::coefficient_assigned, coefficient_);
    } else {
      recording_ = other.recording_;
      id_ = other.id_;
      literal_ = other.literal_;
    }
    return *this;
  }

  friend constexpr Scalar operator+(Scalar a, Scalar b) { return join(a, b, &Graph::add); }
  friend constexpr Scalar operator-(Scalar a, Scalar b) { return join(a, b, &Graph::subtract); }
  friend constexpr Scalar operator*(Scalar a, Scalar b) { return join(a, b, &Graph::multiply); }
  friend constexpr Scalar operator/(Scalar a, Scalar b) { return join(a, b, &Graph::divide); }
  friend constexpr Scalar operator-(Scalar a) { return 0.0 - a; }
  friend constexpr Scalar square(Scalar a) { return a * a; }
  friend constexpr Scalar sqrt(Scalar a) {
    Recording* r = a.recording_;
    if (r == nullptr) return Scalar(literal_root(a.literal_));
    return Scalar(r, r->graph.root(a.id_));
  }

 private:
  friend class Row;
  friend struct Rule;

  constexpr Scalar(Recording* recording, short id, short coefficient = -1)
      : recording_(recording), id_(id), coefficient_(coefficient) {}

  constexpr short in(Recording& r) const {
    return recording_ == nullptr ? r.graph.constant(literal_) : id_;
  }
  static constexpr Scalar join(Scalar a, Scalar b, short (Graph::*op)(short, short)) {
    Recording* r = a.recording_ != nullptr ? a.recording_ : b.recording_;
    if (r == nullptr) {  // two literals: any graph can fold them
      Recording literals;
      return Scalar(literals.graph.value((literals.graph.*op)(a.in(literals), b.in(literals))));
    }
    const short left = a.in(*r), right = b.in(*r);
    return Scalar(r, (r->graph.*op)(left, right));
  }
  static constexpr double literal_root(double v) {
    double x = v > 1 ? v : 1;
    for (int i = 0; i < 200 && v > 0; ++i) x = (x + v / x) / 2;
    return v > 0 ? x : 0;
  }

  Recording* recording_ = nullptr;
  short id_ = -1;
  short coefficient_ = -1;
  double literal_ = 0;
};

/// A symbolic row: the iterate, a stream, the oracle's output, or arithmetic on them.
///
/// Assigning to the iterate or a stream takes effect at once, as in any C++ program; a copy is a
/// value, so local names are free.
class Row {
 public:
  constexpr Row(const Row& other) : recording_(other.recording_), id_(other.id()) {}
  constexpr Row& operator=(const Row& other) {
    assign(other.id());
    return *this;
  }
  /// A scalar where a row is meant: reported as a fault of the rule.
  constexpr Row& operator=(const Scalar&) {
    recording_->blame(Fault::scalar_as_row);
    return *this;
  }

  friend constexpr Row operator+(Row a, Row b) { return join(a, b, &Graph::add); }
  friend constexpr Row operator-(Row a, Row b) { return join(a, b, &Graph::subtract); }
  friend constexpr Row operator*(Row a, Row b) { return join(a, b, &Graph::multiply); }
  friend constexpr Row operator/(Row a, Row b) { return join(a, b, &Graph::divide); }
  friend constexpr Row operator+(Row a, Scalar b) { return join(a, b, &Graph::add); }
  friend constexpr Row operator-(Row a, Scalar b) { return join(a, b, &Graph::subtract); }
  friend constexpr Row operator*(Row a, Scalar b) { return join(a, b, &Graph::multiply); }
  friend constexpr Row operator/(Row a, Scalar b) { return join(a, b, &Graph::divide); }
  friend constexpr Row operator+(Scalar a, Row b) { return join(a, b, &Graph::add); }
  friend constexpr Row operator-(Scalar a, Row b) { return join(a, b, &Graph::subtract); }
  friend constexpr Row operator*(Scalar a, Row b) { return join(a, b, &Graph::multiply); }
  friend constexpr Row operator/(Scalar a, Row b) { return join(a, b, &Graph::divide); }
  friend constexpr Row operator-(Row a) {
    return Row(a.recording_, a.recording_->graph.negate(a.id_));
  }

  template <class V>
  constexpr Row& operator+=(const V& b) {
    return *this = *this + b;
  }
  template <class V>
  constexpr Row& operator-=(const V& b) {
    return *this = *this - b;
  }
  template <class V>
  constexpr Row& operator*=(const V& b) {
    return *this = *this * b;
  }
  template <class V>
  constexpr Row& operator/=(const V& b) {
    return *this = *this / b;
  }

  friend constexpr Row square(Row a) {
    return Row(a.recording_, a.recording_->graph.square(a.id_));
  }
  friend constexpr Row sqrt(Row a) { return Row(a.recording_, a.recording_->graph.root(a.id_)); }
  /// -1, 0 or 1; its derivative is 0.
  friend constexpr Row sign(Row a) { return Row(a.recording_, a.recording_->graph.sign(a.id_)); }

  /// The driver's norm over the row: LayerNorm with a gain, RMSNorm, or nothing.
  friend constexpr Row normalise(Row a) {
    Recording& r = *a.recording_;
    return Row(&r, r.graph.normalise(a.id_, r.norms++));
  }
  /// `a / (1 - decay^t)` where the driver has a clock t = 1, 2, ...; `a` itself in depth.
  /// Source: Kingma and Ba, Adam, ICLR 2015, section 3.
  friend constexpr Row debias(Row a, Scalar decay) { return join(a, decay, &Graph::debias); }

 private:
  friend struct Rule;
  friend struct Recorder;
  friend constexpr Row normalise(Scalar);
  constexpr Row(Recording* recording, short id, short slot = -1)
      : recording_(recording), id_(id), slot_(slot) {}

  constexpr short id() const { return slot_ >= 0 ? recording_->now[slot_] : id_; }
  constexpr void assign(short id) {
    if (slot_ >= 0) {
      recording_->now[slot_] = id;
    } else {
      id_ = id;
    }
  }
  static constexpr Row join(const Row& a, const Row& b, short (Graph::*op)(short, short)) {
    return Row(a.recording_, (a.recording_->graph.*op)(a.id(), b.id()));
  }
  static constexpr Row join(const Row& a, const Scalar& b, short (Graph::*op)(short, short)) {
    return Row(a.recording_, (a.recording_->graph.*op)(a.id(), b.in(*a.recording_)));
  }
  static constexpr Row join(const Scalar& a, const Row& b, short (Graph::*op)(short, short)) {
    return Row(b.recording_, (b.recording_->graph.*op)(a.in(*b.recording_), b.id()));
  }
  static constexpr Row misused(const Scalar& s) {
    s.recording_->blame(Fault::scalar_as_row);
    return Row(s.recording_, s.recording_->now[0]);
  }

  Recording* recording_;
  short id_ = -1;
  short slot_ = -1;  ///< 0: the iterate, s + 1: stream s, -1: a value

  friend constexpr Row normalise(Scalar a);
  friend constexpr Row debias(Scalar a, Scalar decay);
};

/// Norms and corrections are for rows: on a scalar they are reported as a fault of the rule.
constexpr Row normalise(Scalar a) { return Row::misused(a); }
constexpr Row debias(Scalar a, Scalar) { return Row::misused(a); }

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
    Recording& r = recording_;
    if (r.streams == Recording::max_streams) {
      r.blame(Fault::too_large);
      return Row(&r, r.now[0]);
    }
    r.stream[r.streams++] = {name, init, names};
    const short slot = r.streams;
    r.now[slot] = r.graph.input(slot);
    return Row(&r, r.now[slot], slot);
  }
  constexpr Row stream(const char* name, StreamNames names) {
    return stream(name, Init::learned, names);
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
    CoefficientInfo& info = recording_.coefficient[coefficient.coefficient_];
    info.pinned = true;
    info.pinned_value = value;
    coefficient.id_ = recording_.graph.constant(value);
  }

 private:
  constexpr Scalar declare(CoefficientInfo info) {
    Recording& r = recording_;
    if (r.coefficients == Recording::max_coefficients) {
      r.blame(Fault::too_large);
      return Scalar(info.initial);
    }
    const short index = r.coefficients++;
    r.coefficient[index] = info;
    return Scalar(&r, r.graph.coefficient(index), index);
  }
};

OPTIFORM_NAMESPACE_END
