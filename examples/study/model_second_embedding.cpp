// SPDX-License-Identifier: MIT
#include "second_embedding.hpp"
#include "study_model.hpp"

TrainerPointer study_second_embedding(const ModelNumbers& numbers) {
  return study_model<SecondEmbedding>(numbers);
}
