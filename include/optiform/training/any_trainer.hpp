// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <optiform/core/parameters.hpp>
#include <optiform/depth/inspector.hpp>
#include <optiform/io/dtype.hpp>
#include <optiform/training/evaluation/attention_entropy.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Numbers of one training step that are not the model's.
struct TrainerOptions {
  Index batch = 8;         ///< sequences of one forward and backward pass
  Index length = 128;      ///< tokens of a sequence
  Index accumulate = 1;    ///< passes whose gradients are averaged before one update
  double clip = 1;         ///< largest global norm of the gradient; 0 switches clipping off
  double average = 0;      ///< decay of an averaged copy of the parameters; 0: none
  std::uint64_t seed = 0;  ///< of the initial parameters
  int threads = 0;         ///< 0 takes all cores; changes speed, never results
};

/// The name under which a checkpoint holds the averaged parameters.
inline constexpr const char* average_stream = "average";

/// A vector that a checkpoint holds: all parameters, their average, or one stream of the optimizer.
struct StateVector {
  std::string name;
  DType dtype;
  void* data;
  Index size;
};

/// One item of the memory that a training run will take.
struct PlannedMemory {
  std::string name;
  Index bytes = 0;
};

/// What a trainer is given memory for: everything, or forward passes only.
enum class Purpose { training, inference };

/// Going on with sequences whatever the model's type is; see Decoder.
///
/// Contract  lives no longer than the trainer it comes from, whose parameters it reads; after those
///           have changed `restart` sequences, and `pack` again what was packed.
class AnyDecoder {
 public:
  using Tokens = std::span<const std::int32_t>;

  virtual ~AnyDecoder() = default;
  virtual Index sequences() const = 0;
  virtual Index capacity() const = 0;    ///< most tokens of a sequence
  virtual Index vocabulary() const = 0;  ///< logits of a sequence
  /// Tokens that a sequence consists of so far.
  virtual Index length(Index sequence) const = 0;
  /// Forgets a sequence.
  virtual void restart(Index sequence) = 0;
  /// Copies the matrices in the order in which products read them: the same logits sooner, for
  /// their memory once more.
  virtual void pack() = 0;
  /// Appends tokens[b], which may be empty, to sequence b; the logits of those that got tokens are
  /// the ones after their last. Shapes  tokens [sequences]; logits: [sequences, vocabulary].
  virtual void append(std::span<const Tokens> tokens, std::span<float> logits) = 0;
};

/// Looking into a model whatever its type is; see Inspector.
///
/// Contract  lives no longer than the trainer it comes from, whose parameters and memory it uses.
class AnyInspector {
 public:
  virtual ~AnyInspector() = default;
  virtual Index layers() const = 0;
  /// Mean loss of [batch, length] tokens where only the chosen layers run their rule.
  virtual double loss(Index batch, const std::int32_t* tokens, const std::int32_t* targets,
                      const LayerChoice& chosen) = 0;
  /// Of every attention in order, averaged over [batch, length] tokens.
  virtual std::vector<AttentionEntropy> attention_entropy(Index batch,
                                                          const std::int32_t* tokens) = 0;
  /// What the layers have learned beside matrices, in order.
  virtual std::vector<LearnedCoefficient> coefficients() = 0;
};

/// Training whatever the model's type is: what a run, its log and its checkpoints see.
///
/// Contract  planning needs no memory; `allocate` comes before everything else, once. Between two
///           calls of `update`, `accumulate` is called `options().accumulate` times. A steady
///           step allocates nothing.
class AnyTrainer {
 public:
  virtual ~AnyTrainer() = default;
  virtual const TrainerOptions& options() const = 0;
  virtual const ParameterTable& parameters() const = 0;
  virtual Index vocabulary() const = 0;
  virtual Index context() const = 0;
  /// What training will take, item by item. Scratch memory of kernels grows in the first step: its
  /// item is what it has grown to.
  virtual std::vector<PlannedMemory> plan(Purpose purpose) const = 0;
  /// The largest options().batch with which all of that fits into so many bytes; 0 if none does.
  virtual Index largest_batch(Purpose purpose, Index bytes) const = 0;
  /// Takes the memory and initialises the parameters from the seed.
  virtual void allocate(Purpose purpose) = 0;

  /// Mean loss of [batch, length] tokens, in nats; adds their gradients.
  virtual double accumulate(const std::int32_t* tokens, const std::int32_t* targets) = 0;
  /// Clips, steps the optimizer, clears the gradients; returns the norm before clipping. A norm
  /// that is not finite changes nothing.
  virtual double update(double learning_rate) = 0;
  /// Whether evaluation and prediction use the averaged parameters, where there are any; they do
  /// unless told otherwise.
  virtual void use_average(bool use) = 0;
  /// Mean loss of [batch, length] tokens, with batch at most options().batch.
  virtual double evaluate(Index batch, const std::int32_t* tokens, const std::int32_t* targets) = 0;
  /// What writes so many sequences of up to `capacity` tokens, with the parameters as they are.
  virtual std::unique_ptr<AnyDecoder> decoder(Index sequences, Index capacity) = 0;
  /// What looks into the layers. Errors  a model that has none.
  virtual std::unique_ptr<AnyInspector> inspector() = 0;

  /// The parameters first, then (of training) the optimizer's streams and the average. Parameters
  /// and average are laid out by `parameters`, a stream by those of them that it is kept for.
  virtual std::vector<StateVector> state() = 0;
  /// What `accumulate` has added up; laid out like the parameters.
  virtual StateVector gradients() = 0;
  virtual std::int64_t clock() const = 0;
  virtual void set_clock(std::int64_t steps) = 0;
  /// Where the first NaN or infinity is, in words; empty if every parameter and gradient is finite.
  virtual std::string first_bad_tensor() const = 0;
};

OPTIFORM_NAMESPACE_END
