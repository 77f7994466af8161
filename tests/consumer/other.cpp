// SPDX-License-Identifier: MIT
#include "consumer.hpp"

optiform::Index count_there() { return count_here(); }
