// SPDX-License-Identifier: Apache-2.0
// What a machine makes of each access of a kernel to memory.
#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "tests/cuda_emulation/machine.h"

namespace gantry::emulation {

void Machine::access(const void* address, size_t bytes, bool write, bool atomic) {
  if (current_->fiber.owns(address)) return;
  const auto* p = static_cast<const char*>(address);
  const auto* parameters = static_cast<const char*>(argument_);
  if (!write && p >= parameters && p + bytes <= parameters + argument_bytes_) return;
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0)
    stop(concat("an access of ", bytes, " bytes that is not aligned"));
  if (p >= shared_.data() && p < shared_.data() + shared_.size())
    return access_shared(static_cast<size_t>(p - shared_.data()), address, bytes, write, atomic);
  const Allocation* memory = find(p);
  if (!memory || p + bytes > memory->begin + memory->bytes)
    stop(concat(write ? "writes " : "reads ", bytes, " bytes of memory that is not the device's"));
  access_global(*memory, p, bytes, write, atomic);
}

void Machine::access_global(const Allocation& memory, const char* p, size_t bytes, bool write,
                            bool atomic) {
  Shadow& shadow = *memory.shadow;
  const auto first = static_cast<size_t>(p - memory.begin);
  if (write) {
    std::memset(shadow.written + first, 1, bytes);
  } else if (std::memchr(shadow.written + first, 0, bytes)) {
    stop("reads global memory that nobody has written");
  }
  if (atomic) return;
  if (bytes < 4) {
    shadow.narrow = true;
    for (size_t i = first; i < first + bytes; ++i) {
      check(shadow.words[i / 4], p, write, first_block_);
      touch(shadow.bytes[i], p, write, first_block_);
    }
    return;
  }
  for (size_t i = first; i < first + bytes; i += 4) {
    for (size_t byte = i; shadow.narrow && byte < i + 4; ++byte)
      check(shadow.bytes[byte], p, write, first_block_);
    touch(shadow.words[i / 4], p, write, first_block_);
  }
}

// Kernels keep to a few arrays.
const Allocation* Machine::find(const char* address) {
  for (const Allocation& known : recent_)
    if (address >= known.begin && address < known.begin + known.bytes) return &known;
  const Allocation* memory = allocation_of(address);
  if (!memory) return nullptr;
  Allocation& place = recent_[oldest_++ % recent_.size()];
  place = *memory;
  return &place;
}

void Machine::access_shared(size_t offset, const void* address, size_t bytes, bool write,
                            bool atomic) {
  const bool inside = std::any_of(arrays_.begin(), arrays_.end(), [&](const SharedArray& array) {
    return offset >= array.begin && offset + bytes <= array.begin + array.bytes;
  });
  if (!inside) stop("an access past the end of a shared array");
  for (size_t i = offset; i < offset + bytes; ++i) {
    Cell& cell = shared_cells_[i];
    if (!write && cell.write.block != blocks_run_)
      stop("reads shared memory that nobody has written");
    if (!atomic) touch(cell, address, write, blocks_run_);
    if (atomic) cell.write = {blocks_run_, static_cast<uint16_t>(index_), epoch_};
  }
}

// first_block: touches of blocks before that one lie in the past.
void Machine::check(const Cell& cell, const void* address, bool write, uint32_t first_block) {
  const Touch now{blocks_run_, static_cast<uint16_t>(index_), epoch_};
  const auto conflicts = [&](const Touch& before) {
    if (before.block < first_block) return false;
    if (before.block != now.block || before.thread == kSeveralBlocks) return true;
    return before.thread != now.thread && before.epoch == now.epoch;
  };
  const auto report = [&](const Touch& before, const char* did) {
    const auto offset = reinterpret_cast<uintptr_t>(address);
    stop(concat(write ? "writes" : "reads", " what ",
                before.block != now.block ? "another block of this launch "
                                          : concat("thread ", before.thread, " "),
                did, " without a barrier between (address ...", offset % 4096, ")"));
  };
  if (conflicts(cell.write)) report(cell.write, "wrote");
  if (write && conflicts(cell.read)) report(cell.read, "reads");
}

void Machine::touch(Cell& cell, const void* address, bool write, uint32_t first_block) {
  check(cell, address, write, first_block);
  const Touch now{blocks_run_, static_cast<uint16_t>(index_), epoch_};
  if (write) {
    cell.write = now;
    return;
  }
  // Several readers are remembered as such: then none of them may write it.
  const Touch before = cell.read;
  cell.read = now;
  const bool other_block = before.block >= first_block && before.block != now.block;
  if (other_block || (before.block == now.block && before.thread == kSeveralBlocks)) {
    cell.read.thread = kSeveralBlocks;
  } else if (before.block == now.block && before.epoch == now.epoch &&
             before.thread != now.thread) {
    cell.read.thread = kSeveral;
  }
}

}  // namespace gantry::emulation
