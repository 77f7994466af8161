// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Copies of weights in the order in which a backend's products read them, for models that only
/// infer. Specialised beside the kernels of a backend that gains by it: <optiform/cpu/kernels.hpp>.
/// This one keeps nothing, and every product reads the weights as they lie.
///
///   add(n, k, w)   copies w [n, k], the right operand of x w^T
///   use(context)   an object while which lives products of the context find the copies by the
///                  address of w
template <class Backend, class T>
class PackedWeights {
 public:
  void clear() {}
  void add(Index, Index, const T*) {}
  Index bytes() const { return 0; }
  struct Use {};
  Use use(context_t<Backend>&) const { return {}; }
};

OPTIFORM_NAMESPACE_END
