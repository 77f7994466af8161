// SPDX-License-Identifier: MIT
// Training and inference inside somebody's program: this file knows Predictor, and predictor.cpp is
// the only one that knows the library.
//
// Run: embed
// Last line: after "to be or not" comes " to be"
#include <cstdio>
#include <exception>

#include "predictor.hpp"

int main() {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "to be or not to be, that is the question: ";
  try {
    Predictor predictor;
    std::printf("loss after 300 steps: %.3f\n", predictor.learn(text, 300));
    std::printf("after \"to be or not\" comes \"%s\"\n",
                predictor.continued("to be or not", 6).c_str());
  } catch (const std::exception& error) {  // bad input arrives as optiform::Error, one sentence
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
