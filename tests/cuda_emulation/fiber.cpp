// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace gantry::emulation {

// ucontext makes a system call per switch, which would be most of an emulated kernel's time; where
// the processor is known, the registers that a call must keep are switched by hand.
#if defined(__x86_64__)
extern "C" void gantry_switch_stack(void** save, void* load);
asm(R"(
  .text
  .globl gantry_switch_stack
  .type gantry_switch_stack, @function
gantry_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size gantry_switch_stack, .-gantry_switch_stack
)");

struct Fiber::Context {
  void* inside = nullptr;
  void* outside = nullptr;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;
};

namespace {
// Which fiber begins: a fresh stack has no arguments.
thread_local void (*beginning_entry)(void*) = nullptr;
thread_local void* beginning_argument = nullptr;

void begin() {
  beginning_entry(beginning_argument);
  std::abort();
}
}  // namespace

void Fiber::reset(void (*entry)(void*), void* argument) {
  context_->entry = entry;
  context_->argument = argument;
  // The stack that gantry_switch_stack expects: six registers and the address to return to, at
  // which the stack is aligned as a call leaves it.
  auto* top = reinterpret_cast<void**>(stack_ + kStackBytes) - 2;
  *top = reinterpret_cast<void*>(&begin);
  context_->inside = top - 6;
}

void Fiber::enter() {
  beginning_entry = context_->entry;
  beginning_argument = context_->argument;
  gantry_switch_stack(&context_->outside, context_->inside);
}

void Fiber::leave() { gantry_switch_stack(&context_->inside, context_->outside); }
#else
struct Fiber::Context {
  ucontext_t inside{}, outside{};
};

namespace {
void begin(unsigned entry_high, unsigned entry_low, unsigned high, unsigned low) {
  const auto join = [](unsigned a, unsigned b) {
    return static_cast<uintptr_t>(uint64_t{a} << 32 | b);
  };
  reinterpret_cast<void (*)(void*)>(join(entry_high, entry_low))(
      reinterpret_cast<void*>(join(high, low)));
  std::abort();
}
}  // namespace

void Fiber::reset(void (*entry)(void*), void* argument) {
  const auto function = reinterpret_cast<uint64_t>(entry);
  const auto pointer = reinterpret_cast<uint64_t>(argument);
  getcontext(&context_->inside);
  context_->inside.uc_stack.ss_sp = stack_;
  context_->inside.uc_stack.ss_size = kStackBytes;
  makecontext(&context_->inside, reinterpret_cast<void (*)()>(&begin), 4,
              static_cast<unsigned>(function >> 32), static_cast<unsigned>(function),
              static_cast<unsigned>(pointer >> 32), static_cast<unsigned>(pointer));
}

void Fiber::enter() { swapcontext(&context_->outside, &context_->inside); }
void Fiber::leave() { swapcontext(&context_->inside, &context_->outside); }
#endif

Fiber::Fiber() : context_(new Context) {
  void* block =
      mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<char*>(block);
}

Fiber::~Fiber() {
  munmap(stack_, kStackBytes);
  delete context_;
}

bool Fiber::owns(const void* address) const {
  const char* p = static_cast<const char*>(address);
  return p >= stack_ && p < stack_ + kStackBytes;
}

}  // namespace gantry::emulation
