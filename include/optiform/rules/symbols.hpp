// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <optiform/rules/declarations.hpp>

OPTIFORM_NAMESPACE_BEGIN

class Row;
class Square;

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
  friend constexpr Scalar& operator+=(Scalar& a, Scalar b) { return a = a + b; }
  friend constexpr Scalar& operator-=(Scalar& a, Scalar b) { return a = a - b; }
  friend constexpr Scalar& operator*=(Scalar& a, Scalar b) { return a = a * b; }
  friend constexpr Scalar& operator/=(Scalar& a, Scalar b) { return a = a / b; }
  friend constexpr Scalar square(Scalar a) { return a * a; }
  friend constexpr Scalar sign(Scalar a) {
    Recording* r = a.recording_;
    if (r == nullptr) return Scalar(a.literal_ > 0 ? 1 : a.literal_ < 0 ? -1 : 0);
    return Scalar(r, r->graph.sign(a.id_));
  }
  friend constexpr Scalar sqrt(Scalar a) {
    Recording* r = a.recording_;
    if (r == nullptr) return Scalar(literal_root(a.literal_));
    return Scalar(r, r->graph.root(a.id_));
  }

 private:
  friend class Row;
  friend class Square;
  friend struct Rule;
  friend struct OperationRecorder;

  constexpr Scalar(Recording* recording, short id, short coefficient = -1)
      : recording_(recording), id_(id), coefficient_(coefficient) {}

  constexpr short in(Recording& r) const {
    if (recording_ == nullptr) return r.graph.constant(literal_);
    if (recording_ != &r) r.blame(Fault::other_rules_value);
    return id_;
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

/// What rows and squares have in common: each is a value of a recording, or what a slot of it (the
/// iterate, a stream) holds now. A copy is a value.
class Symbol {
 protected:
  friend struct Rule;
  friend struct Recorder;

  constexpr Symbol(Recording* recording, short id, short slot = -1)
      : recording_(recording), id_(id), slot_(slot) {}
  constexpr Symbol(const Symbol& other) : recording_(other.recording_), id_(other.id()) {}
  Symbol& operator=(const Symbol&) = delete;

  constexpr short id() const { return slot_ >= 0 ? recording_->now[slot_] : id_; }
  constexpr void assign(short id) {
    if (slot_ >= 0) {
      recording_->now[slot_] = id;
    } else {
      id_ = id;
    }
  }
  constexpr void blame(Fault what) const { recording_->blame(what); }
  /// The value as one of recording r, which it must be.
  constexpr short in(Recording& r) const {
    if (recording_ != &r) r.blame(Fault::other_rules_value);
    return id();
  }

  Recording* recording_;
  short id_ = -1;
  short slot_ = -1;  ///< 0: the iterate, s + 1: stream s, -1: a value
};

// clang-format off
template <std::derived_from<Symbol> S, class V>
constexpr S& operator+=(S& a, const V& b) { return a = a + b; }
template <std::derived_from<Symbol> S, class V>
constexpr S& operator-=(S& a, const V& b) { return a = a - b; }
template <std::derived_from<Symbol> S, class V>
constexpr S& operator*=(S& a, const V& b) { return a = a * b; }
template <std::derived_from<Symbol> S, class V>
constexpr S& operator/=(S& a, const V& b) { return a = a / b; }
// clang-format on

/// A symbolic row: the iterate, a stream, the oracle's output, or arithmetic on them.
///
/// Assigning to the iterate or a stream takes effect at once, as in any C++ program; a copy is a
/// value, so local names are free.
class Row : public Symbol {
 public:
  constexpr Row(const Row& other) = default;
  constexpr Row& operator=(const Row& other) {
    assign(other.in(*recording_));
    return *this;
  }
  /// A scalar where a row is meant: reported as a fault of the rule.
  constexpr Row& operator=(const Scalar&) {
    blame(Fault::scalar_as_row);
    return *this;
  }
  /// A square where a row is meant: likewise.
  constexpr Row& operator=(const Square&) {
    blame(Fault::square_as_row);
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
  friend class Square;
  friend struct OperationRecorder;
  using Symbol::Symbol;

  static constexpr Row join(const Row& a, const Row& b, short (Graph::*op)(short, short)) {
    return Row(a.recording_, (a.recording_->graph.*op)(a.id(), b.in(*a.recording_)));
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

  friend constexpr Row normalise(Scalar a);
  friend constexpr Row debias(Scalar a, Scalar decay);
};

/// Norms and corrections are for rows: on a scalar they are reported as a fault of the rule.
constexpr Row normalise(Scalar a) { return Row::misused(a); }
constexpr Row debias(Scalar a, Scalar) { return Row::misused(a); }

OPTIFORM_NAMESPACE_END
