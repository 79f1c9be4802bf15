// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace gantry::emulation {

// A call stack of its own, entered and left by hand. Stacks may be abandoned half way: nothing that
// runs on them owns anything.
class Fiber {
 public:
  static constexpr size_t kStackBytes = size_t{64} << 10;

  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next enter() begins entry(argument) on an empty stack. entry must not return.
  void reset(void (*entry)(void*), void* argument);
  // Runs the fiber until it calls leave().
  void enter();
  void leave();
  bool owns(const void* address) const;

 private:
  struct Context;
  Context* context_;
  char* stack_;
};

}  // namespace gantry::emulation
