// SPDX-License-Identifier: MIT
#include <optiform/rules/muon.hpp>
#include <optiform/rules/ortho.hpp>

#include "family.hpp"

namespace bench {

FamilyPointer make_ortho(int threads) { return std::make_unique<Member<Ortho>>(threads); }
FamilyPointer make_muon(int threads) { return std::make_unique<Member<Muon>>(threads); }

}  // namespace bench
