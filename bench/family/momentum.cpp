// SPDX-License-Identifier: MIT
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "family.hpp"

namespace bench {

FamilyPointer make_nesterov(int threads) { return std::make_unique<Member<Nesterov>>(threads); }
FamilyPointer make_tmm(int threads) { return std::make_unique<Member<TripleMomentum>>(threads); }

}  // namespace bench
