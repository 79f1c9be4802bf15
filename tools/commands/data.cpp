// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "tools/commands/all.h"
#include "tools/commands/explain_usage.h"
#include "train/config_file.h"
#include "train/data/fetch.h"
#include "train/data/inspect.h"

namespace gantry {
namespace {

// PATH|CONFIG [key=value ...]: the data of a config, or whatever lies at a path.
struct DataArguments {
  std::string path;
  std::vector<std::string> overrides;

  void declare(CLI::App& app) {
    app.add_option("path", path, "A folder, archive or file of data, or a config (.json)")
        ->required()
        ->check(not_empty("the path of a data set or config, such as data/mnist"));
    app.add_option("overrides", overrides, "Of a config: key=value, such as data.split=test");
  }

  DataConfig load() const {
    const bool is_config = path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
    if (is_config) return load_config(path, overrides).config.data;
    if (!overrides.empty()) {
      throw ConfigError(concat(overrides[0], ": values can be set for a config only, and ", path,
                               " does not end in .json"));
    }
    return guess_data(path);
  }
};

// Does the work; a ConfigError of it gets the place in front.
template <typename Work>
auto in_place(const Work& work, const std::string& place) {
  try {
    return work();
  } catch (const ConfigError& error) {
    throw ConfigError(concat(place, ": ", error.what()));
  }
}

void declare_info(CLI::App& app, std::function<int()>& action) {
  const auto arguments = std::make_shared<DataArguments>();
  arguments->declare(app);
  app.footer("Example:\n  gantry data info data/mnist");
  action = [arguments] {
    DataConfig config = arguments->load();
    config.augment = {};
    config.shuffle = false;
    const auto source = in_place([&] { return open_data(config, 0); }, arguments->path);
    const DataInfo& info = source->info();
    const DataSummary summary = summarize(*source);
    std::cout << "source   " << data_source_name(config.source) << '\n'
              << "set      " << info.description << '\n'
              << "samples  " << info.count << '\n'
              << "shape    [" << info.sample.c << ", " << info.sample.h << ", " << info.sample.w
              << "] (channels, height, width)\n"
              << "values   " << summary.lowest << " to " << summary.highest << ", mean "
              << summary.mean << ", standard deviation " << summary.deviation << '\n';
    if (info.classes == 0) std::cout << "classes  none (no labels)\n";
    for (int64_t i = 0; i < info.classes; ++i) {
      std::cout << (i == 0 ? "classes  " : "         ") << std::setw(4) << i << "  " << std::setw(8)
                << summary.histogram[i] << "  " << info.class_names[i] << '\n';
    }
    return 0;
  };
}

void report_verification(const Verification& verification) {
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < std::min(kShown, verification.duplicates.size()); ++i) {
    std::cout << "same     " << verification.duplicates[i].name << " = "
              << verification.duplicates[i].same_as << '\n';
  }
  for (size_t i = 0; i < std::min(kShown, verification.bad.size()); ++i) {
    std::cout << "bad      " << verification.bad[i].sha256 << '\n';
  }
  std::cout << verification.items.size() << " good, " << verification.bad.size() << " bad, "
            << verification.duplicates.size() << " duplicates\n";
}

void declare_verify(CLI::App& app, std::function<int()>& action) {
  const auto arguments = std::make_shared<DataArguments>();
  const auto manifest = std::make_shared<std::string>();
  arguments->declare(app);
  app.add_option(
      "--manifest", *manifest,
      "Write here, in sha256sum's form, the SHA-256 of each image file; of sets that are not "
      "files of images (MNIST, CIFAR-10, arrays), of the values of each sample");
  app.footer(
      "Decodes everything. Exits with 0 when all is well, 3 when something is bad.\n\n"
      "Example:\n  gantry data verify photos.zip --manifest photos.sha256");
  action = [arguments, manifest] {
    const DataConfig config = arguments->load();
    const Verification verification =
        in_place([&] { return verify_data(config); }, arguments->path);
    report_verification(verification);
    if (!manifest->empty()) {
      std::string text;
      for (const auto& item : verification.items) text += item.sha256 + "  " + item.name + '\n';
      write_file_atomically(*manifest, std::string_view(text));
    }
    return static_cast<int>(verification.bad.empty() ? ExitCode::kDone : ExitCode::kData);
  };
}

void declare_fetch(CLI::App& app, std::function<int()>& action) {
  struct Arguments {
    std::string set;
    FetchOptions options;
  };
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("set", arguments->set, "What to download: mnist, fashion-mnist or cifar10")
      ->required()
      ->check(CLI::IsMember(published_set_names()));
  app.add_option("--to", arguments->options.to, "Folder for the files; made if need be")
      ->required()
      ->check(not_empty("the name of a folder, such as data/mnist"));
  app.add_option("--mirror", arguments->options.mirrors,
                 "URL of a folder with the files, instead of the known ones; may be repeated");
  app.footer(
      "Files that are there already are checked and kept; a broken download is continued.\n\n"
      "Example:\n  gantry data fetch mnist --to data/mnist");
  action = [arguments] {
    Log log(stderr);
    arguments->options.say = [&log](const std::string& line) { log.info(line); };
    arguments->options.progress = [&log](uint64_t had, uint64_t total) {
      constexpr uint64_t kMegabyte = 1000000;
      log.live(total > 0 ? concat("  ", had / kMegabyte, " of ", total / kMegabyte, " MB")
                         : concat("  ", had / kMegabyte, " MB"));
    };
    const PublishedSet& set = published_set(arguments->set);
    const size_t fetched = fetch(set, arguments->options);
    log.live("");
    std::cout << arguments->options.to.string() << ": " << fetched << " of " << set.files.size()
              << " files fetched, all " << set.files.size() << " as published\n";
    return 0;
  };
}

}  // namespace

Action declare_data(CLI::App& app) {
  const auto action = std::make_shared<std::function<int()>>();
  app.require_subcommand(1);
  struct Entry {
    const char* name;
    const char* summary;
    void (*declare)(CLI::App&, std::function<int()>&);
  };
  constexpr Entry kEntries[] = {
      {"info", "Show counts, shape, values and classes of a data set.", declare_info},
      {"verify", "Decode all of a data set; list bad and duplicate samples.", declare_verify},
      {"fetch", "Download MNIST, Fashion-MNIST or CIFAR-10.", declare_fetch},
  };
  for (const Entry& entry : kEntries) {
    CLI::App* command = app.add_subcommand(entry.name, entry.summary);
    const auto run = std::make_shared<std::function<int()>>();
    entry.declare(*command, *run);
    command->callback([action, run] { *action = *run; });
  }
  return [action] { return (*action)(); };
}

}  // namespace gantry
