// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/describe_program.h"

#include <iomanip>
#include <sstream>

#include "tools/commands/pass_counts.h"

namespace gantry {

std::string describe_network(const Network& network, const ParamStore& store) {
  std::ostringstream out;
  out << "network " << network.name() << ": " << store.parameters() << " parameters\n";
  for (const Network::Node& node : network.nodes()) {
    const Shape& y = node.y;
    out << "  " << std::left << std::setw(22) << node.name << std::setw(18) << node.layer->type()
        << concat(y.c, "x", y.h, "x", y.w) << "\n";
  }
  return out.str();
}

std::string describe_calls(const Program& program) {
  std::ostringstream out;
  out << std::left << std::setw(46) << "call" << std::right << std::setw(12) << "MFLOP"
      << std::setw(10) << "MiB"
      << "  writes\n";
  double bytes = 0;
  for (const Call& call : program.calls()) {
    bytes += call.bytes();
    out << std::left << std::setw(46) << call.name << std::right << std::fixed
        << std::setprecision(2) << std::setw(12) << call.kernel->flops() / 1e6 << std::setw(10)
        << call.bytes() / (1 << 20) << " ";
    for (size_t i = 0; i < call.args.size(); ++i) {
      if (call.writes(i)) out << " " << to_string(call.args[i].shape);
    }
    out << "\n";
  }
  out << program.calls().size() << " calls, " << std::setprecision(3) << program.flops() / 1e9
      << " GFLOP, " << bytes / (1 << 20) << " MiB read and written\n";
  return out.str();
}

std::string describe_session(Session& session) {
  const Session::Variant& usual = session.usual();
  const Program& program = usual.recorded.program;
  const System& system = session.system();
  std::string networks;
  for (const auto& player : system.players) {
    networks += describe_network(player->network, player->store) + "\n";
  }
  std::string passes;
  for (const Session::Variant& variant : session.variants()) {
    const bool first = &variant == &usual;
    passes += concat(first ? "the usual step: " : "a step of another kind: ",
                     describe_passes(variant.recorded.program, system.config.train.batch), "\n");
  }
  return concat("device  ", system.backend.device->name(), "\ndata    ", session.data().description,
                "\n\n", networks, describe_calls(program), "\n", passes,
                describe_memory(program, usual.replay->plan()));
}

}  // namespace gantry
