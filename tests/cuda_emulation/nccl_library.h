// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tests/cuda_emulation/include/nccl.h"

// NCCL over ranks that are threads, each with a GPU of the emulation: one, as in processes, and of
// its rules those that a GPU would punish by hanging or by wrong numbers. A call throws Defect
//  - while an earlier one of its communicator is in progress, after it was aborted or destroyed, or
//  with
//    a group open that should not be;
//  - where another rank has come to another operation at this place: kind, count, type, captured or
//    not, and in groups of sends and receives what each pair exchanges;
//  - on another stream than the communicator's first, on memory that is not the GPU's, on a stream
//    that does not capture while its thread does, or where work was queued behind a call in
//    progress;
//  - for a destroyed communicator whose recordings live.
// Communicators must be non-blocking. Calls are in progress for some questions, and their work is
// queued by the last of them. Sums are taken from the last rank to the first: not along a tree.
namespace gantry::emulation {

// From now on: the rank's communicators answer `result` where they are asked for errors after they
// have begun `operations` more, and these do not end.
void fail_nccl(int rank, ncclResult_t result, int64_t operations);
// Its initialisations do not end.
void delay_nccl(int rank);
void heal_nccl();
// Operations that have ended, on all ranks.
int64_t nccl_operations();
// Communicators that are neither destroyed nor aborted.
int64_t open_nccl_communicators();

}  // namespace gantry::emulation
