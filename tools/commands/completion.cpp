// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>

#include "core/error.h"
#include "tools/commands/all.h"

namespace gantry {
namespace {

// The options of a subcommand, as a person types them: "--out --dry-run".
std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames())
      words += (words.empty() ? "--" : " --") + name;
  }
  return words;
}

const char* description_of(const CLI::App& command, std::string& storage) {
  storage = command.get_description();
  // Quotes would end the string that the description stands in.
  for (char& c : storage) c = c == '\'' ? ' ' : c;
  return storage.c_str();
}

std::string bash_script(const std::vector<const CLI::App*>& commands) {
  std::string names, cases;
  for (const CLI::App* command : commands) {
    names += (names.empty() ? "" : " ") + command->get_name();
    cases += "    " + command->get_name() + ") words=\"" + words_of(*command) + "\" ;;\n";
  }
  return "# gantry completion for bash: source <(gantry completion bash)\n"
         "_gantry() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \"" +
         names +
         " --help --version\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases +
         "  esac\n"
         "  if [[ \"$current\" == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _gantry gantry\n";
}

std::string zsh_script(const std::vector<const CLI::App*>& commands) {
  std::string names, cases, storage;
  for (const CLI::App* command : commands) {
    names += "    '" + command->get_name() + ":" + description_of(*command, storage) + "'\n";
    cases += "    " + command->get_name() + ") compadd -- " + words_of(*command) + " ;;\n";
  }
  return "#compdef gantry\n"
         "# gantry completion for zsh: source <(gantry completion zsh)\n"
         "_gantry() {\n"
         "  local -a commands\n"
         "  commands=(\n" +
         names +
         "  )\n"
         "  if (( CURRENT == 2 )); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  if [[ \"$PREFIX\" != -* ]]; then\n"
         "    _files\n"
         "    return\n"
         "  fi\n"
         "  case \"${words[2]}\" in\n" +
         cases +
         "  esac\n"
         "}\n"
         "compdef _gantry gantry\n";
}

std::string fish_script(const std::vector<const CLI::App*>& commands) {
  std::string script = "# gantry completion for fish: gantry completion fish | source\n", storage;
  for (const CLI::App* command : commands) {
    script += "complete -c gantry -n __fish_use_subcommand -a " + command->get_name() + " -d '" +
              description_of(*command, storage) + "'\n";
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        script += "complete -c gantry -n '__fish_seen_subcommand_from " + command->get_name() +
                  "' -l " + name + '\n';
      }
    }
  }
  return script;
}

}  // namespace

Action declare_completion(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  source <(gantry completion bash)         add to ~/.bashrc to keep it\n"
      "  source <(gantry completion zsh)          add to ~/.zshrc, after compinit\n"
      "  gantry completion fish | source          add to ~/.config/fish/config.fish");
  const auto shell = std::make_shared<std::string>();
  app.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return [shell, &app] {
    std::vector<const CLI::App*> commands;
    for (const CLI::App* command : app.get_parent()->get_subcommands(nullptr)) {
      commands.push_back(command);
    }
    std::cout << (*shell == "bash"  ? bash_script(commands)
                  : *shell == "zsh" ? zsh_script(commands)
                                    : fish_script(commands))
              << std::flush;
    return 0;
  };
}

}  // namespace gantry
