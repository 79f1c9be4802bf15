// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/log.h"
#include "kernels/communicator.h"

namespace gantry {

// Joins this process with the others of its launcher, if it has one. Throws EnvironmentError.
std::unique_ptr<Communicator> join_ranks();

// All of rank 0; warnings of the others, with their rank in front.
Log::Options log_options(const Communicator& ranks);

// Does what may fail on some ranks alone, before they train. Where it fails on any, all throw the
// error of the first of them: rank 0 with the message, and whose it was, the others without.
void do_together(Communicator& ranks, const std::function<void()>& work);

// The text that rank `rank` has, on all ranks.
std::string text_of_rank(Communicator& ranks, int rank, const std::string& text);

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
