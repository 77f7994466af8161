// SPDX-License-Identifier: MIT
#include "consumer.hpp"

int main() { return count_here() > 0 && count_here() == count_there() ? 0 : 1; }
