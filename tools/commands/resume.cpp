// SPDX-License-Identifier: Apache-2.0
// gantry resume
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

#include "tools/commands/all.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_session.h"
#include "tools/commands/ranks.h"
#include "tools/commands/run_training.h"

namespace gantry {
namespace {

struct ResumeArguments {
  WorldFlags world;
  std::string run;
  std::vector<std::string> overrides;
  bool elastic = false;
};

// What a resumed run may change: nothing that the numbers depend on.
constexpr const char* kResumable[] = {"train.steps",
                                      "train.checkpoint_every",
                                      "train.keep_last",
                                      "train.steps_per_launch",
                                      "data.on_device",
                                      "distributed.timeout_s",
                                      "distributed.compare_operations",
                                      "output."};

void require_resumable(const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const bool allowed = std::any_of(std::begin(kResumable), std::end(kResumable),
                                     [&](const char* key) { return text.starts_with(key); });
    if (allowed) continue;
    const std::string key = text.substr(0, text.find('='));
    const bool short_form = std::any_of(std::begin(kResumable), std::end(kResumable),
                                        [&](const char* full) { return full == "train." + key; });
    throw ConfigError(concat(
        "override \"", text, "\"", short_form ? concat(", did you mean \"train.", text, "\"?") : "",
        ": a resumed run may change train.steps, "
        "train.checkpoint_every, train.keep_last, train.steps_per_launch, "
        "data.on_device, distributed.timeout_s, distributed.compare_operations "
        "and output.* alone; start a new run for anything else"));
  }
}

int resume(const ResumeArguments& arguments) {
  OpenSession open;
  open.backend.communicator = join_ranks(arguments.world);
  Communicator& ranks = *open.backend.communicator;
  Log log(stderr, log_options(ranks));
  std::string config;
  std::optional<RunDir> run;
  std::optional<LoadedConfig> loaded;
  do_together(ranks, [&] {
    require_resumable(arguments.overrides);
    if (ranks.rank() == 0) run.emplace(RunDir::open(arguments.run, log));
    config = RunDir::view(arguments.run).config().string();
    loaded = load_config(config, arguments.overrides);
  });
  const std::string resolved = loaded->resolved;
  require_one_config(ranks, resolved);
  do_together(ranks, [&] { open_session(open, std::move(*loaded)); });
  connect(open);
  do_together(ranks, [&] {
    open.session->set_config_digest(binding_digest(resolved));
    announce(open, log);
    if (!run) return;
    restore_newest(*open.session, *run, {config, arguments.elastic}, log);
    run->write_config(resolved);
  });
  return train_in_step(*open.session, run, log);
}

}  // namespace

Action declare_resume(CLI::App& app) {
  auto arguments = std::make_shared<ResumeArguments>();
  app.add_option("RUN", arguments->run, "Run directory to continue.")
      ->required()
      ->check(not_empty("the folder of a run, such as runs/0001-quickstart"));
  app.add_option("key=value", arguments->overrides,
                 "What may change: train.steps, train.checkpoint_every, train.keep_last, "
                 "distributed.timeout_s, distributed.compare_operations, output.*.");
  app.add_flag("--elastic", arguments->elastic,
               "Go on with another number of ranks than before, though not bit for bit.");
  declare_rank_options(app, arguments->world);
  app.footer(
      "Continues from the newest complete checkpoint; the result is the same bytes as if the run\n"
      "had never stopped (same build, processor type and thread count).\n"
      "Example:\n  gantry resume runs/0001-quickstart train.steps=6000");
  return [arguments] { return resume(*arguments); };
}

}  // namespace gantry
