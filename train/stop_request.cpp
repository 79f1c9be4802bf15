// SPDX-License-Identifier: Apache-2.0
#include "train/stop_request.h"

#include <array>
#include <csignal>

#include "core/error.h"

namespace gantry {
namespace {

constexpr std::array<int, 3> kSignals = {SIGTERM, SIGINT, SIGUSR1};
volatile std::sig_atomic_t received_signal = 0;
std::array<struct sigaction, 3> previous;

extern "C" void note_signal(int signal) {
  // SIGUSR1 is a warning that schedulers may repeat; only the other two insist.
  if (received_signal != 0 && signal != SIGUSR1) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  received_signal = signal;
}

}  // namespace

StopRequest::StopRequest() {
  received_signal = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    GANTRY_CHECK(sigaction(kSignals[i], &action, &previous[i]) == 0, "signal ", kSignals[i]);
  }
}

StopRequest::~StopRequest() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &previous[i], nullptr);
}

bool StopRequest::received() const { return received_signal != 0; }

const char* StopRequest::signal_name() const {
  switch (received_signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "none";
  }
}

}  // namespace gantry
