// SPDX-License-Identifier: MIT
#include "evaluate.hpp"

#include "../support/program.hpp"
#include "measurements.hpp"

using namespace optiform;

namespace {

void add_options(CLI::App& app, Request& r) {
  const auto several = [](CLI::Option* option) { option->allow_extra_args(false); };
  app.add_option("run", r.run, "run directory that pretrain made")->required();
  app.add_option("--data", r.data, "text to measure on (empty: the run's validation text)");
  several(app.add_option("--corpus", r.corpora, "NAME=FILE: perplexity on another text too"));
  app.add_option("--batches", r.perplexity.batches, "batches of crops for losses and entropy");
  app.add_option("--batch", r.batch, "crops of a batch");
  app.add_option("--length", r.length, "tokens of a crop (0: the run's)");
  app.add_option("--seed", r.perplexity.seed, "of crops and directions");

  app.add_flag("--sharpness", r.sharpness, "top eigenvalue and trace of the Hessian");
  app.add_flag("--exact", r.exact, "with Hessian products in dual numbers, not by differences");
  app.add_option("--sharpness-batches", r.curvature.batches, "batches of crops for it");
  app.add_option("--sharpness-batch", r.curvature_batch, "crops of each (0: 2,048 tokens in all)");
  app.add_option("--iterations", r.curvature.iterations, "most steps of the power method");
  app.add_option("--tolerance", r.curvature.tolerance, "relative change that ends it");
  app.add_option("--probes", r.curvature.probes, "random signs for the trace");
  app.add_option("--step", r.curvature.step,
                 "of differences, in lengths of the parameters (0: 3e-5)");

  app.add_flag("--slice", r.slice, "loss along a random direction");
  app.add_option("--points", r.line.points, "points of the slice");
  app.add_option("--reach", r.line.reach, "lengths of each tensor to either side");
  app.add_option("--slice-batches", r.line.batches, "batches of crops at each point");
  app.add_option("--plot", r.plot, "draw the slice into this .png or .svg");

  app.add_option("--forgetting", r.forgetting, "fine-tune on this text; what is lost, what is won");
  app.add_option("--forgetting-steps", r.tuning.schedule.steps, "updates");
  app.add_option("--forgetting-sequences", r.tuning_sequences, "sequences of each");
  app.add_option("--forgetting-rate", r.tuning.schedule.peak, "highest learning rate");
  app.add_option("--forgetting-warmup", r.tuning.schedule.warmup, "steps of its rise");
  app.add_option("--forgetting-batches", r.tuning.batches, "batches of each measurement");

  app.add_flag("--jacobian", r.jacobian, "singular values of each layer and of its oracles");
  app.add_option("--jacobian-batches", r.spectrum.batches, "batches of crops");
  app.add_option("--jacobian-batch", r.spectrum_batch, "crops of each of them");
  app.add_option("--rank", r.spectrum.rank, "largest singular values to find");
  app.add_option("--power-iterations", r.spectrum.power_iterations, "for the largest of them");

  app.add_flag("--entropy", r.entropy, "entropy of attention");
  app.add_flag("--scalars", r.scalars, "the rule's coefficients as learned");
  several(app.add_option("--hybrid", r.hybrids,
                         "losses where only these layers run the rule: 0-5, 0,11 or none"));
  app.add_option("--threads", r.threads, "(0: all cores)");
  app.add_option("--csv", r.csv, "folder for tables");
}

void evaluate(Request r) {
  if (r.threads < 0 || r.threads > 1024)
    fail("threads is ", r.threads, "; expected 0 (all) to 1024");
  r.curvature.seed = r.line.seed = r.spectrum.seed = r.tuning.source_seed = r.perplexity.seed;
  r.tuning.target_seed = r.perplexity.seed + 1;
  const TrainedRun run(r.run, r.threads);
  const Report report(r.csv);
  const Subject subject(r, run, report);
  measure_perplexities(subject);
  if (!r.hybrids.empty()) measure_hybrids(subject);
  if (r.scalars) print_scalars(subject);
  if (r.entropy) measure_entropy(subject);
  if (r.slice || !r.plot.empty()) measure_slice(subject);
  if (r.sharpness || r.exact) measure_hessian(subject);
  if (r.jacobian) measure_jacobians(subject);
  if (!r.forgetting.empty()) measure_tuning(subject);
}

}  // namespace

int evaluate_main(int argc, char** argv) {
  Request request;
  CLI::App app("Measures a trained model.", "evaluate");
  app.option_defaults()->always_capture_default();
  add_options(app, request);
  return run_program("evaluate", [&] {
    if (parse_arguments(app, argc, argv)) evaluate(request);
    return 0;
  });
}
