// SPDX-License-Identifier: MIT
#include <optiform/rules/shampoo.hpp>
#include <optiform/rules/soap.hpp>

#include "family.hpp"

namespace bench {

FamilyPointer make_shampoo(int threads) { return std::make_unique<Member<Shampoo>>(threads); }
FamilyPointer make_soap(int threads) { return std::make_unique<Member<Soap>>(threads); }

}  // namespace bench
