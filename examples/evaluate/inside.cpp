// SPDX-License-Identifier: MIT
// Measurements of what is inside: curvature, Jacobians, attention, learned scalars.
#include <optiform/training/evaluation/inspection.hpp>
#include <optiform/training/evaluation/layer_spectra.hpp>

#include "exact_models.hpp"
#include "measurements.hpp"

using namespace optiform;

void measure_hessian(const Subject& s) {
  const CurvatureProtocol& protocol = s.request.curvature;
  const ModelNumbers numbers = s.run.numbers(s.curvature_batch(), s.length);
  const auto model = s.run.model(numbers, s.request.exact ? Purpose::inference : Purpose::training);
  Curvature sharp;
  if (s.request.exact) {
    const auto exact = make_exact(s.run.options().rule, numbers);
    exact->assign(*model);
    sharp = measure_curvature(*exact, model->options(), s.text, protocol);
  } else {
    sharp = measure_curvature(*model, s.text, protocol);
  }
  s.report.line("sharpness_tokens", protocol.batches * s.curvature_batch() * s.length);
  s.report.line("top_eigenvalue", sharp.top.value);
  s.report.line("top_eigenvalue_products", sharp.top.iterations);
  s.report.line("top_eigenvalue_converged", Index{sharp.top.converged});
  s.report.line("hessian_trace", sharp.trace.mean);
  s.report.line("hessian_trace_deviation", sharp.trace.deviation);
  s.report.line("trace_per_parameter", sharp.trace_per_parameter());
}

namespace {

void print(const Report& report, const std::string& part, const ModelSpectra& spectra) {
  for (const LayerSpectra& layer : spectra.layers) {
    const std::string name = message(part, "_layer_", layer.layer);
    report.line(name + "_largest", layer.largest());
    report.line(name + "_stable_rank", layer.stable_rank());
    report.line(name + "_condition", layer.condition());
  }
  report.line(part + "_mean_condition", spectra.mean_condition());
  report.line(part + "_largest_condition", spectra.largest_condition());
  report.line(part + "_mean_stable_rank", spectra.mean_stable_rank());
  report.line(part + "_sum_log_least", spectra.sum_log_least());
}

/// Lines of a table.
std::string singular_values(const std::string& part, const LayerSpectra& layer) {
  std::string lines;
  for (std::size_t batch = 0; batch < layer.batches.size(); ++batch)
    for (std::size_t i = 0; i < layer.batches[batch].singular_values.size(); ++i)
      lines += message(part, ",", layer.layer, ",", batch, ",", i, ",",
                       layer.batches[batch].singular_values[i], "\n");
  return lines;
}

}  // namespace

void measure_jacobians(const Subject& s) {
  const ModelNumbers numbers = s.run.numbers(s.request.spectrum_batch, s.length);
  const auto exact = make_exact(s.run.options().rule, numbers);
  exact->assign(*s.run.model(numbers, Purpose::inference));
  const std::pair<LayerPart, std::string> parts[] = {{LayerPart::block, "block"},
                                                     {LayerPart::oracle, "oracle"}};
  std::string table = "part,layer,batch,number,singular_value\n";
  for (const auto& [part, name] : parts) {
    const ModelSpectra spectra =
        measure_spectra(*exact, numbers.trainer, s.text, part, s.request.spectrum);
    print(s.report, name, spectra);
    for (const LayerSpectra& layer : spectra.layers) table += singular_values(name, layer);
  }
  s.report.table("spectra", table);
}

void measure_entropy(const Subject& s) {
  const auto model = s.run.model(s.run.numbers(s.request.batch, s.length), Purpose::inference);
  const auto& [batches, seed] = s.request.perplexity;
  const ModelAttentionEntropy entropy = measure_attention_entropy(*model, s.text, {batches, seed});
  std::string table = "layer,head,entropy\n";
  for (const AttentionEntropy& layer : entropy.layers) {
    s.report.line(message("attention_entropy_layer_", layer.layer), layer.mean());
    for (std::size_t h = 0; h < layer.heads.size(); ++h)
      table += message(layer.layer, ",", h, ",", layer.heads[h], "\n");
  }
  s.report.line("attention_entropy_mean", entropy.mean());
  s.report.line("attention_entropy_if_even", entropy.if_even());
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
