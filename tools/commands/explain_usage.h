// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace gantry {

// One line on a command line that could not be read: what is wrong, the nearest word that would
// have been right, and whose --help tells more.
std::string explain_usage(const CLI::App& app, const CLI::ParseError& error, int argc,
                          const char* const* argv);

// An integer of this range, said in words of a person.
CLI::Validator integer_from(int64_t low, int64_t high = INT64_MAX);

// Refuses (ConfigError) a folder to write that is a run, or a file.
void require_no_run(const std::string& out);

// Refuses "", which is what an unset variable of a shell becomes; `wanted` says what to give.
CLI::Validator not_empty(const std::string& wanted);

}  // namespace gantry
