// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/all.h"
#include "tools/commands/command.h"

namespace gantry {
namespace {

constexpr Command kCommands[] = {
    {"train", "Train the networks of a config.", declare_train},
    {"resume", "Continue a run where it stopped.", declare_resume},
    {"launch", "Run a command as several ranks on this machine.", declare_launch},
    {"sample", "Draw from a run's generator.", declare_sample},
    {"eval", "Measure what a run's generator makes.", declare_eval},
    {"plan", "Print the recorded step: calls, shapes, bytes, FLOPs, memory.", declare_plan},
    {"bench", "Time training steps.", declare_bench},
    {"profile", "Show where the time of a step goes.", declare_profile},
    {"trace", "Write everything that goes in and out of each step.", declare_trace},
    {"check", "Look for mistakes in a config, without training.", declare_check},
    {"schema", "Print the JSON Schema of configs, or their reference.", declare_schema},
    {"data", "Inspect, verify or download a data set.", declare_data},
    {"doctor", "Show what Gantry finds on this machine.", declare_doctor},
    {"version", "Show version and build.", declare_version},
    {"completion", "Print a completion script for bash, zsh or fish.", declare_completion},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace gantry
