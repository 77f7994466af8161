// SPDX-License-Identifier: MIT
// Measurements of what is inside: curvature, Jacobians, attention, learned scalars.
#include <map>

#include <optiform/training/evaluation/difference_hessian.hpp>

#include "exact_models.hpp"
#include "measurements.hpp"

using namespace optiform;

void measure_hessian(const Subject& s) {
  const CurvatureProtocol& protocol = s.request.curvature;
  const Index batch = s.curvature_batch();
  const TokenBatches crops(RandomCrops(s.text, s.length, protocol.seed, "validation"),
                           protocol.batches, batch);
  const ModelNumbers numbers = s.run.numbers(batch, s.length);
  const auto model = s.run.model(numbers, Purpose::training);
  Curvature sharp;
  if (s.request.exact) {
    const auto exact = make_exact(s.run.options().rule, numbers);
    exact->assign(*model);
    sharp = measure_curvature(exact->parameters(), exact->hessian(crops), protocol);
  } else {
    sharp = measure_curvature(model->parameters(), DifferenceHessian(*model, crops, s.request.step),
                              protocol);
  }
  s.report.line("sharpness_tokens", crops.count * crops.batch * crops.length);
  s.report.line("top_eigenvalue", sharp.top.value);
  s.report.line("top_eigenvalue_products", sharp.top.iterations);
  s.report.line("top_eigenvalue_converged", Index{sharp.top.converged});
  s.report.line("hessian_trace", sharp.trace.mean);
  s.report.line("hessian_trace_deviation", sharp.trace.deviation);
  s.report.line("trace_per_parameter", sharp.trace_per_parameter());
}

namespace {

/// Sums over batches and layers.
struct SpectrumMeans {
  double largest = 0, stable_rank = 0, condition = 0, most_condition = 0, log_least = 0, count = 0;

  void add(const Spectrum& spectrum) {
    largest += spectrum.largest;
    stable_rank += spectrum.stable_rank();
    condition += spectrum.condition();
    most_condition = std::max(most_condition, spectrum.condition());
    log_least += std::log(spectrum.singular_values.back());
    count += 1;
  }
  void print(const Report& report, const std::string& name) const {
    report.line(name + "_largest", largest / count);
    report.line(name + "_stable_rank", stable_rank / count);
    report.line(name + "_condition", condition / count);
  }
};

}  // namespace

void measure_jacobians(const Subject& s) {
  const SpectrumProtocol& protocol = s.request.spectrum;
  const TokenBatches crops(RandomCrops(s.text, s.length, protocol.seed, "validation"),
                           protocol.batches, s.request.spectrum_batch);
  const ModelNumbers numbers = s.run.numbers(s.request.spectrum_batch, s.length);
  const auto exact = make_exact(s.run.options().rule, numbers);
  exact->assign(*s.run.model(numbers, Purpose::inference));
  const std::pair<LayerPart, std::string> parts[] = {{LayerPart::block, "block"},
                                                     {LayerPart::oracle, "oracle"}};
  std::string table = "part,layer,batch,number,singular_value\n";
  std::map<std::pair<std::string, Index>, SpectrumMeans> of_layer;
  Index batch = 0;
  crops.each([&](const std::int32_t* tokens, const std::int32_t*) {
    exact->run(crops.batch, crops.length, tokens);
    for (const auto& [part, name] : parts)
      for (Index layer = 0; layer < exact->layers(); ++layer) {
        exact->select(layer, part);
        const Spectrum spectrum = measure_spectrum(*exact, protocol);
        of_layer[{name, layer}].add(spectrum);
        for (std::size_t i = 0; i < spectrum.singular_values.size(); ++i)
          table +=
              message(name, ",", layer, ",", batch, ",", i, ",", spectrum.singular_values[i], "\n");
      }
    ++batch;
  });
  for (const auto& [part, name] : parts) {
    SpectrumMeans all;
    double log_least = 0;
    for (Index layer = 0; layer < exact->layers(); ++layer) {
      const SpectrumMeans& one = of_layer[{name, layer}];
      one.print(s.report, message(name, "_layer_", layer));
      all.condition += one.condition / one.count;
      all.most_condition = std::max(all.most_condition, one.condition / one.count);
      all.stable_rank += one.stable_rank / one.count;
      log_least += one.log_least / one.count;
      all.count += 1;
    }
    s.report.line(name + "_mean_condition", all.condition / all.count);
    s.report.line(name + "_largest_condition", all.most_condition);
    s.report.line(name + "_mean_stable_rank", all.stable_rank / all.count);
    s.report.line(name + "_sum_log_least", log_least);
  }
  s.report.table("spectra", table);
}

void measure_entropy(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const auto inspector = model->inspector();
  const auto& [batches, seed] = s.request.perplexity;
  const TokenBatches crops(RandomCrops(s.text, s.length, seed, "validation"), batches,
                           s.request.batch);
  std::vector<AttentionEntropy> mean;
  crops.each([&](const std::int32_t* tokens, const std::int32_t*) {
    const auto one = inspector->attention_entropy(crops.batch, tokens);
    if (mean.empty()) mean.assign(one.size(), {});
    for (std::size_t i = 0; i < one.size(); ++i) {
      mean[i].layer = one[i].layer;
      mean[i].heads.resize(one[i].heads.size());
      for (std::size_t h = 0; h < one[i].heads.size(); ++h)
        mean[i].heads[h] += one[i].heads[h] / static_cast<double>(crops.count);
    }
  });
  double all = 0, even = 0;
  std::string table = "layer,head,entropy\n";
  for (const AttentionEntropy& entropy : mean) {
    s.report.line(message("attention_entropy_layer_", entropy.layer), entropy.mean());
    all += entropy.mean() / static_cast<double>(mean.size());
    for (std::size_t h = 0; h < entropy.heads.size(); ++h)
      table += message(entropy.layer, ",", h, ",", entropy.heads[h], "\n");
  }
  for (Index t = 0; t < s.length; ++t)
    even += std::log(static_cast<double>(t + 1)) / static_cast<double>(s.length);
  s.report.line("attention_entropy_mean", all);
  s.report.line("attention_entropy_if_even", even);
  s.report.table("attention_entropy", table);
}

void print_scalars(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(1, s.length), Purpose::inference);
  std::string table = "layer,oracle,coefficient,value\n";
  for (const LearnedCoefficient& c : model->inspector()->coefficients()) {
    const std::string oracle = c.oracle.empty() ? "all" : c.oracle;
    s.report.line(message("scalar_", c.layer, "_", oracle, "_", c.name), c.value);
    table += message(c.layer, ",", oracle, ",", c.name, ",", c.value, "\n");
  }
  s.report.table("scalars", table);
}
