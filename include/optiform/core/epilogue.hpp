// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

// An epilogue is what a product does with every finished element of C before it leaves the
// registers: a type with
//   template <class V, class Place> V operator()(V value, const Place& place) const;
// V is a number, or a register of them that are neighbours in one row. The place knows where they
// lie: place.load(x, ld) and place.store(x, ld, v) reach the elements of another matrix that has
// the shape of C, place.load_columns(x) those of a vector that belongs to its columns.
//
//   const auto layer = epilogue(AddBias<T>{b}, Keep<T>{z, n}, Activate<Gelu>{});
//
// Contract  applied once to every element, after beta C has been added. An element's places in
//           other matrices are touched with that element alone, so they may be overwritten.

/// c.
struct NoEpilogue {
  template <class V, class Place>
  constexpr V operator()(V value, const Place&) const {
    return value;
  }
};

/// c + bias[column].
template <class T>
struct AddBias {
  const T* bias;

  template <class V, class Place>
  V operator()(V value, const Place& place) const {
    return value + place.load_columns(bias);
  }
};

/// c + x, a matrix of the same shape: the residual connection.
template <class T>
struct AddMatrix {
  const T* x;
  Index ld;

  template <class V, class Place>
  V operator()(V value, const Place& place) const {
    return value + place.load(x, ld);
  }
};

/// c, and a copy of it in x: the preactivation that backward will ask for.
template <class T>
struct Keep {
  T* x;
  Index ld;

  template <class V, class Place>
  V operator()(V value, const Place& place) const {
    place.store(x, ld, value);
    return value;
  }
};

/// Activation(c).
template <class Activation>
struct Activate {
  template <class V, class Place>
  V operator()(V value, const Place&) const {
    return Activation::value(value);
  }
};

/// cap tanh(c / cap): logits that stay within +-cap.
template <class T>
struct SoftCap {
  T cap;

  template <class V, class Place>
  V operator()(V value, const Place&) const {
    using math::tanh;
    return V(cap) * tanh(V(T(1) / cap) * value);
  }
};

/// c Activation'(z), where z is the matrix of preactivations.
template <class Activation, class T>
struct TimesDerivative {
  const T* z;
  Index ld;

  template <class V, class Place>
  V operator()(V value, const Place& place) const {
    return value * Activation::derivative(V(place.load(z, ld)));
  }
};

/// c Activation'(z), and z becomes Activation(z), which costs little more than the derivative.
template <class Activation, class T>
struct TimesDerivativeAndActivate {
  T* z;
  Index ld;

  template <class V, class Place>
  V operator()(V value, const Place& place) const {
    const V preactivation = place.load(z, ld);
    place.store(z, ld, V(Activation::value(preactivation)));
    return value * Activation::derivative(preactivation);
  }
};

/// Several of them, the first one first.
template <class First, class... Rest>
struct EpilogueChain {
  First first;
  EpilogueChain<Rest...> rest;

  template <class V, class Place>
  V operator()(V value, const Place& place) const {
    return rest(first(value, place), place);
  }
};
template <class Last>
struct EpilogueChain<Last> : Last {};

template <class Last>
constexpr EpilogueChain<Last> epilogue(Last last) {
  return {last};
}
template <class First, class... Rest>
constexpr EpilogueChain<First, Rest...> epilogue(First first, Rest... rest) {
  return {first, epilogue(rest...)};
}

/// The place of one number, for backends that compute them one by one.
struct ScalarPlace {
  Index row, column;

  template <class T>
  T load(const T* x, Index ld) const {
    return x[row * ld + column];
  }
  template <class T>
  T load_columns(const T* x) const {
    return x[column];
  }
  template <class T>
  void store(T* x, Index ld, T value) const {
    x[row * ld + column] = value;
  }
};

OPTIFORM_NAMESPACE_END
