// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/world.h"
#include "kernels/kernels.h"

namespace gantry {

// Whether this build joins the processes of an MPI launcher.
bool has_mpi();
// Whether it joins the GPUs of several ranks.
bool has_nccl();

// Joins this process with the others of its launcher: by MPI where an MPI launcher started them,
// else by sockets. Throws EnvironmentError where this build has nothing to join them with, or they
// are not what the launcher says. Only kernels/backends.cpp knows what there is.
std::unique_ptr<Communicator> open_communicator(const World& world);

// What joins this rank's GPU with those of the others, once all of them have called connect() of
// it: NCCL. `ranks` must outlive it. EnvironmentError where this build has no NCCL.
std::unique_ptr<Communicator> join_gpus(Device& gpu, Communicator& ranks);

// Gives the backend what joins its device with those of the other ranks: on the CPU `ranks`, on a
// GPU join_gpus over them. `ranks` is taken unless that throws.
void join_devices(Backend& backend, std::unique_ptr<Communicator>& ranks);

}  // namespace gantry
