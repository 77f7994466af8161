// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "../support/training.hpp"

namespace bench {

/// A small model of some rule in training.
struct FamilyMember {
  virtual ~FamilyMember() = default;
  /// One step; the loss before it.
  virtual double run() = 0;
  /// Additions and multiplications of the rule's row operations in one step: forward, again in
  /// the backward pass, and their derivatives.
  virtual double row_operations(SymmetricProducts count) const = 0;
};
using FamilyPointer = std::unique_ptr<FamilyMember>;

/// Row operations of one token in program P.
template <class P, UnitShape S, SymmetricProducts Count>
double operations_in() {
  double count = 0;
  [&]<short... I>(std::integer_sequence<short, I...>) {
    const auto one = [&]<short Id>() {
      constexpr Op op = P::graph.node[Id].op;
      if constexpr (op == Op::operation)
        count += operation_of<P, Id>::template forward_operations<S, Count>();
      if constexpr (op == Op::adjoints)
        count += operation_of<P, Id>::template backward_operations<S, Count>();
    };
    (one.template operator()<I>(), ...);
  }
  (std::make_integer_sequence<short, P::graph.nodes>{});
  return count;
}

template <class R>
class Member final : public FamilyMember {
 public:
  explicit Member(int threads) : steps_(threads) {}

  double run() override { return steps_.run(); }
  double row_operations(SymmetricProducts count) const override {
    return count == SymmetricProducts::whole ? row_operations<SymmetricProducts::whole>()
                                             : row_operations<SymmetricProducts::lower_triangle>();
  }

 private:
  template <SymmetricProducts Count>
  double row_operations() const {
    using D = Dynamics<R, DepthOptions{}, 1>;
    using Program = Boundary<D, D>;
    constexpr UnitShape unit{SmallShape::model.heads,
                             SmallShape::model.width / SmallShape::model.heads};
    const double per_token = operations_in<Forward<Program>, unit, Count>() +
                             operations_in<Backward<Program>, unit, Count>();
    return per_token * 2 * SmallShape::layers * SmallShape::tokens;
  }

  TrainingSteps<R> steps_;
};

// Two or three rules per translation unit, so that they compile side by side.
FamilyPointer make_vanilla(int threads);
FamilyPointer make_heavy_ball(int threads);
FamilyPointer make_nesterov(int threads);
FamilyPointer make_tmm(int threads);
FamilyPointer make_adam(int threads);
FamilyPointer make_adamw(int threads);
FamilyPointer make_rmsprop(int threads);
FamilyPointer make_ortho(int threads);
FamilyPointer make_muon(int threads);
FamilyPointer make_shampoo(int threads);
FamilyPointer make_soap(int threads);

}  // namespace bench
