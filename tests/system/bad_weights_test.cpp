// SPDX-License-Identifier: MIT
// Checkpoints that are whole but hold other weights than their run's: every program refuses them.
#include <cmath>
#include <functional>

#include <optiform/io/checkpoint.hpp>

#include "program.hpp"

using namespace optiform;
using namespace programs;

namespace {

struct Tensor {
  TensorDescription about;
  std::vector<float> values;
};
using Tensors = std::vector<Tensor>;

Tensors read_all(const SafetensorsFile& file) {
  Tensors tensors;
  for (const TensorDescription& about : file.tensors()) {
    std::size_t size = 1;
    for (const Index extent : about.shape) size *= static_cast<std::size_t>(extent);
    tensors.push_back({about, std::vector<float>(size)});
    file.read(about.name, about.shape, tensors.back().values.data());
  }
  return tensors;
}

std::vector<TensorSource> sources(const Tensors& tensors) {
  std::vector<TensorSource> all;
  for (const Tensor& tensor : tensors) all.push_back({tensor.about, tensor.values.data()});
  return all;
}

Tensor& named(Tensors& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const Tensor& tensor) { return tensor.about.name == name; });
  REQUIRE(found != tensors.end());
  return *found;
}

using Change = std::function<void(Tensors& weights, Tensors& streams)>;

/// A copy of a run whose newest checkpoint has been changed.
void copy_changed(const fs::path& from, const fs::path& to, const Change& change) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
  const auto reader = CheckpointReader::open_latest(from / "checkpoints");
  REQUIRE(reader);
  Tensors weights = read_all(reader->weights()), streams = read_all(reader->streams());
  change(weights, streams);
  save_checkpoint(to / "checkpoints",
                  {reader->step(), reader->state(), sources(weights), sources(streams)});
}

bool all_built() {
  const bool all = built() && fs::exists(path("evaluate")) && fs::exists(path("convert"));
  if (!all) MESSAGE("skipped: the example programs were not built");
  return all;
}

const Arguments first = small + Arguments{"--out", "run", "--steps", "12", "--ema", "0.9"};

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("a tensor that is missing, misshapen or not finite is one sentence in every program") {
  if (!all_built()) return;
  const Folder folder("bad_weights");
  REQUIRE(run(folder.path, "pretrain", first).code == 0);
  const struct {
    Change change;
    std::string sentence;
  } cases[] = {
      {[](Tensors& w, Tensors&) {
         std::erase_if(w, [](const Tensor& t) { return t.about.name == "layers.0.mlp.w2.weight"; });
       },
       "lacks the model's tensor 'layers.0.mlp.w2.weight'"},
      {[](Tensors& w, Tensors&) {
         named(w, "layers.0.mlp.w2.weight").about.shape = {256, 64};
       },
       "has tensor 'layers.0.mlp.w2.weight' of shape [256, 64], the model expects [64, 256]"},
      {[](Tensors& w, Tensors&) { named(w, "layers.0.mlp.w1.weight").values[7] = NAN; },
       "has NaN in tensor 'layers.0.mlp.w1.weight', element 7; expected finite weights"},
      {[](Tensors& w, Tensors&) { named(w, "tok_emb.weight").values[0] = -HUGE_VALF; },
       "has infinity in tensor 'tok_emb.weight', element 0; expected finite weights"},
  };
  for (const auto& bad : cases) {
    copy_changed(folder.path / "run", folder.path / "bad", bad.change);
    check_refusal(folder, "pretrain",
                  small + Arguments{"--out", "bad", "--steps", "12", "--ema", "0.9", "--resume"},
                  bad.sentence);
    check_refusal(folder, "generate", {"bad", "--tokens", "3"}, bad.sentence);
    check_refusal(folder, "evaluate", {"bad", "--batches", "1"}, bad.sentence);
    check_refusal(folder, "convert", {"bad", "x", "--to", "run", "--tokenizer", "bytes"},
                  bad.sentence);
  }
}

TEST_CASE("an average that is not finite is refused where it is used") {
  if (!all_built()) return;
  const Folder folder("bad_average");
  REQUIRE(run(folder.path, "pretrain", first).code == 0);
  copy_changed(folder.path / "run", folder.path / "bad",
               [](Tensors&, Tensors& streams) { named(streams, "average").values[3] = NAN; });
  const std::string sentence = "has NaN in tensor 'average', element 3; expected finite weights";
  check_refusal(folder, "generate", {"bad", "--tokens", "3"}, sentence);
  check_refusal(folder, "evaluate", {"bad", "--batches", "1"}, sentence);
}

TEST_CASE("a checkpoint of another rule, and heads that do not divide, are one sentence") {
  if (!all_built()) return;
  const Folder folder("bad_rule");
  REQUIRE(run(folder.path, "pretrain", first).code == 0);
  const fs::path config = folder.path / "run/config.toml";
  std::string text = read(config);
  const std::string tmm = "rule = 'tmm'";
  const std::size_t at = text.find(tmm);
  REQUIRE(at != std::string::npos);
  write(config, text.replace(at, tmm.size(), "rule = 'nesterov'"));
  const std::string sentence = "holds the weights of rule tmm, the model's rule is nesterov";
  check_refusal(folder, "generate", {"run", "--tokens", "3"}, sentence);
  check_refusal(folder, "evaluate", {"run", "--batches", "1"}, sentence);
  check_refusal(folder, "pretrain", first + Arguments{"--resume"},
                "rule was \"tmm\" there and is \"nesterov\" now");
  check_refusal(folder, "convert", {"run", "x"},
                "says that the rule is nesterov; the weights are those of tmm");
  write(config, text.replace(at, std::string("rule = 'nesterov'").size(), tmm));
  check_refusal(folder, "convert", {"run", "x", "--heads", "7"},
                "the width is 64, which 7 heads do not divide; expected --heads");
}

TEST_SUITE_END();
