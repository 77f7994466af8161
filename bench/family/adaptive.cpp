// SPDX-License-Identifier: MIT
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/rms_prop.hpp>

#include "family.hpp"

namespace bench {

FamilyPointer make_adam(int threads) { return std::make_unique<Member<Adam>>(threads); }
FamilyPointer make_adamw(int threads) { return std::make_unique<Member<AdamW>>(threads); }
FamilyPointer make_rmsprop(int threads) { return std::make_unique<Member<RmsProp>>(threads); }

}  // namespace bench
