// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/log.h"
#include "core/world.h"
#include "kernels/communicator.h"

namespace CLI {
class App;
}

namespace gantry {

// The options by which a rank that no launcher started says who it is.
void declare_rank_options(CLI::App& app, WorldFlags& flags);

// Joins this process with the others of its launcher or command line, if it has any. Throws
// EnvironmentError.
std::unique_ptr<Communicator> join_ranks(const WorldFlags& flags);

// All of rank 0; warnings of the others, with their rank in front.
Log::Options log_options(const Communicator& ranks);

// Does what may fail on some ranks alone, before they train. Where it fails on any, all throw the
// error of the first of them: rank 0 with the message, and whose it was, the others without.
void do_together(Communicator& ranks, const std::function<void()>& work);

// The text that rank `rank` has, on all ranks.
std::string text_of_rank(Communicator& ranks, int rank, const std::string& text);

// All ranks have this resolved config, or all throw ConfigError naming a line that differs.
void require_one_config(Communicator& ranks, const std::string& resolved);

// Runs what the ranks do in step. An error that the others cannot know of ends them, too, after it
// has been reported with rank and host, and what each did last has been left in the run directory
// (train/collective_dump.h).
int run_in_step(Communicator& ranks, const std::filesystem::path& run,
                const std::function<int()>& work);

// The variable by which `gantry launch` tells its ranks where to write how they end, a line each:
// mpirun's own status is 0 for ranks that others were to survive.
inline constexpr const char* kEndingsVariable = "GANTRY_ENDINGS";
void note_ending(int status);

}  // namespace gantry
