// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/training/any_trainer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Looks into the model of a Trainer::on, in that trainer's memory.
template <class TrainerOn>
class TrainerInspector final : public AnyInspector {
  using Model = typename TrainerOn::model_type;
  using Inspector = typename Model::Inspector;

 public:
  explicit TrainerInspector(TrainerOn& trainer) : trainer_(trainer), inspector_(trainer.model_) {}

  Index layers() const override { return inspector_.layers(); }

  double loss(Index batch, const std::int32_t* tokens, const std::int32_t* targets,
              const LayerChoice& chosen) override {
    trainer_.workspace_->resize(batch, trainer_.options_.length);
    return inspector_.loss(*trainer_.context_, trainer_.weights(), *trainer_.workspace_, tokens,
                           targets, chosen);
  }

  std::vector<AttentionEntropy> attention_entropy(Index batch,
                                                  const std::int32_t* tokens) override {
    const Index length = trainer_.options_.length;
    trainer_.workspace_->resize(batch, length);
    std::vector<AttentionEntropy> all;
    inspector_.each_answer(
        *trainer_.context_, trainer_.weights(), *trainer_.workspace_, tokens,
        [&]<class Oracle>(Index layer, std::byte* arena, const auto& cache) {
          if constexpr (requires { Oracle::problem(batch, length); }) {
            using T = typename Model::Scalar;
            const AttentionProblem problem = Oracle::problem(batch, length);
            std::vector<double> sums(static_cast<std::size_t>(problem.heads));
            add_attention_entropy<typename TrainerOn::backend_type>(
                *trainer_.context_, problem, MemoryPlan::at<T>(arena, cache.qkv),
                MemoryPlan::at<T>(arena, cache.log_sum_exp), sums);
            for (double& sum : sums) sum /= static_cast<double>(batch * length);
            all.push_back({layer, std::move(sums), even_attention_entropy(problem)});
          }
        });
    return all;
  }

  std::vector<LearnedCoefficient> coefficients() override {
    return inspector_.coefficients(trainer_.weights());
  }

 private:
  TrainerOn& trainer_;
  Inspector inspector_;
};

OPTIFORM_NAMESPACE_END
