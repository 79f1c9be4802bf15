// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/commands/command.h"

namespace gantry {

// What each subcommand's file gives to the table in commands.cpp.
Action declare_launch(CLI::App& app);
Action declare_train(CLI::App& app);
Action declare_resume(CLI::App& app);
Action declare_sample(CLI::App& app);
Action declare_eval(CLI::App& app);
Action declare_plan(CLI::App& app);
Action declare_bench(CLI::App& app);
Action declare_profile(CLI::App& app);
Action declare_trace(CLI::App& app);
Action declare_data(CLI::App& app);
Action declare_check(CLI::App& app);
Action declare_schema(CLI::App& app);
Action declare_doctor(CLI::App& app);
Action declare_version(CLI::App& app);
Action declare_completion(CLI::App& app);

}  // namespace gantry
