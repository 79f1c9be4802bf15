// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/explain_usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/fields_reader.h"
#include "train/run_dir.h"

namespace gantry {
namespace {

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(word, names);
  return nearest.empty() ? "" : concat(", did you mean \"", nearest, "\"?");
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// "config is required" with what the help says of it.
std::string explain_required(const CLI::App& command, const std::string& message) {
  for (const CLI::Option* option : command.get_options()) {
    if (message != option->get_name() + " is required") continue;
    std::string meaning = option->get_description();
    if (meaning.ends_with('.')) meaning.pop_back();
    return concat(message, " (", meaning, ")");
  }
  return message;
}

std::string explain_extra(const CLI::App& command, const std::vector<std::string>& words,
                          const std::string& message) {
  const std::vector<std::string> options = options_of(command);
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("-") || name == "-") continue;
    if (std::find(options.begin(), options.end(), name) != options.end()) continue;
    return concat(name, ": there is no such option", did_you_mean(name, options));
  }
  return message;
}

}  // namespace

std::string explain_usage(const CLI::App& app, const CLI::ParseError& error, int argc,
                          const char* const* argv) {
  const CLI::App* command = &app;
  std::string called = "gantry";
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  for (;;) {
    const std::vector<const CLI::App*> inner =
        command->get_subcommands([](const CLI::App*) { return true; });
    if (inner.empty()) break;
    const std::vector<std::string> names = names_of(inner);
    const std::string help = concat("; see ", called, " --help");
    if (words.empty()) return concat("say which: ", called, " ", quoted_list(names), help);
    const std::string word = words.front();
    if (word.starts_with("-")) return explain_extra(*command, words, error.what()) + help;
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) {
      return concat("no command \"", word, "\"", called == "gantry" ? "" : " of " + called,
                    did_you_mean(word, names), "; commands: ", quoted_list(names), help);
    }
    command = inner[static_cast<size_t>(found - names.begin())];
    called += " " + word;
    words.erase(words.begin());
  }
  std::string message = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error)) {
    message = explain_required(*command, message);
  } else if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    message = explain_extra(*command, words, message);
  }
  return concat(message, "; see ", called, " --help");
}

CLI::Validator integer_from(int64_t low, int64_t high) {
  const auto check = [low, high](const std::string& text) {
    int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && at == end && value >= low && value <= high) return std::string();
    return concat("must be an integer of at least ", low,
                  high < INT64_MAX ? concat(" and at most ", high) : "", ", found \"", text, "\"");
  };
  return CLI::Validator(check, "");
}

void require_no_run(const std::string& out) {
  std::error_code ignored;
  if (RunDir::is_run(out)) {
    throw ConfigError(concat("--out ", out, ": is the folder of a run; name another to write to"));
  }
  if (std::filesystem::exists(out, ignored) && !std::filesystem::is_directory(out, ignored)) {
    throw ConfigError(concat("--out ", out, ": is a file; name a folder to write to"));
  }
}

CLI::Validator not_empty(const std::string& wanted) {
  const auto check = [wanted](const std::string& text) {
    return text.empty() ? concat("is empty; give ", wanted) : std::string();
  };
  return CLI::Validator(check, "");
}

}  // namespace gantry
