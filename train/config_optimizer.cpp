// SPDX-License-Identifier: Apache-2.0
#include "train/config.h"

namespace gantry {
namespace {

using Type = OptimizerConfig::Type;
using Variant = OptimizerDesc::Variant;
using ScheduleKind = ScheduleDesc::Kind;

constexpr const char* kTypes[] = {"sgd", "adam", "adamw", "rmsprop"};
constexpr const char* kVariants[] = {"pytorch", "keras"};
constexpr const char* kKinds[] = {"constant", "inverse_time", "exponential",
                                  "step",     "linear",       "cosine"};
constexpr RealRange kUnit{.min = 0, .max = 1, .open_max = true};

template <size_t kCount>
size_t index_of(const char* const (&names)[kCount], const std::string& name) {
  size_t i = 0;
  while (i < kCount && name != names[i]) ++i;
  GANTRY_CHECK(i < kCount, "no such name: ", name);
  return i;
}

// The libraries' own defaults, so that a recipe written for one reads the same here.
void set_defaults(OptimizerConfig& o) {
  const bool keras = o.variant == Variant::kKeras;
  o.eps = keras ? 1e-7 : 1e-8;
  o.rho = keras ? 0.9 : 0.99;
  o.weight_decay = o.type == Type::kAdamW ? 0.01 : 0;
}

void describe_variant(OptimizerConfig& o, Fields& f, const std::function<void(Fields&)>& rest) {
  std::string selected = kVariants[static_cast<size_t>(o.variant)];
  f.variant(
      {"variant",
       "Whose definition of the update, and whose defaults: that of PyTorch or of "
       "Keras."},
      selected, kVariants,
      [&o](const std::string& name) {
        o.variant = static_cast<Variant>(index_of(kVariants, name));
        set_defaults(o);
      },
      rest);
}

void describe_sgd(OptimizerConfig& o, Fields& f) {
  describe_variant(o, f, [&o](Fields& g) {
    g.real({"momentum", "Share of the last update that is repeated."}, o.momentum, kUnit);
    if (o.variant == Variant::kPyTorch) {
      g.real({"dampening", "Share of the gradient that momentum leaves out."}, o.dampening, kUnit);
    }
    g.flag({"nesterov", "Nesterov's momentum."}, o.nesterov);
    g.require(!o.nesterov || (o.momentum > 0 && o.dampening == 0), "nesterov",
              "needs `momentum` above 0 and `dampening` 0");
  });
}

void describe_adam(OptimizerConfig& o, Fields& f) {
  describe_variant(o, f, [&o](Fields& g) {
    std::vector<double> betas = {o.beta1, o.beta2};
    g.reals({"betas", "Decay rates of the running mean of the gradient and of its square."}, betas,
            kUnit, 2, 2);
    o.beta1 = betas[0];
    o.beta2 = betas[1];
    g.real({"eps", "Added to the root of the second moment."}, o.eps, {.min = 0});
  });
}

void describe_rmsprop(OptimizerConfig& o, Fields& f) {
  describe_variant(o, f, [&o](Fields& g) {
    g.real({"rho", "Decay rate of the running mean of the squared gradient (PyTorch: alpha)."},
           o.rho, kUnit);
    g.real({"eps", "Added to the root of the running mean (pytorch) or under it (keras)."}, o.eps,
           {.min = 0});
    g.real({"momentum", "Share of the last update that is repeated."}, o.momentum, kUnit);
    g.flag({"centered", "Divide by the estimated standard deviation instead."}, o.centered);
  });
}

}  // namespace

void ScheduleConfig::describe(Fields& f) {
  std::string selected = kKinds[static_cast<size_t>(kind)];
  const auto select = [this](const std::string& name) {
    kind = static_cast<ScheduleKind>(index_of(kKinds, name));
  };
  const auto alternative = [this](Fields& g) {
    const bool by_factor = kind == ScheduleKind::kExponential || kind == ScheduleKind::kStep;
    if (kind == ScheduleKind::kInverseTime) {
      g.real({"decay", "d in lr / (1 + d t).", true}, decay, {.min = 0});
    }
    if (by_factor) {
      g.real({"decay", "What the learning rate is multiplied by.", true}, decay,
             {.min = 0, .max = 1, .open_min = true});
      g.integer({"every", "Updates in which that happens once."}, every, {.min = 1});
    }
    if (kind == ScheduleKind::kLinear) {
      g.integer({"from", "Update at which the fall begins."}, from, {.min = 0});
      g.integer({"until", "Update at which the learning rate is 0.", true}, until, {.min = 1});
      g.require(from < until, "until", "must be above `from`");
    }
    if (kind == ScheduleKind::kCosine) {
      g.integer({"until", "Update at which the learning rate reaches `floor`.", true}, until,
                {.min = 1});
      g.real({"floor", "Learning rate at the end."}, floor, {.min = 0});
    }
  };
  f.variant({"type", "How the learning rate changes with the number t of updates."}, selected,
            kKinds, select, alternative);
  f.integer({"warmup", "Updates over which the learning rate rises linearly to its value."}, warmup,
            {.min = 0});
}

void OptimizerConfig::describe(Fields& f) {
  std::string selected = kTypes[static_cast<size_t>(type)];
  f.real({"lr", "Learning rate.", true}, lr, {.min = 0});
  f.variant(
      {"type", "Update rule."}, selected, kTypes,
      [this](const std::string& name) {
        type = static_cast<Type>(index_of(kTypes, name));
        set_defaults(*this);
      },
      [this](Fields& g) {
        if (type == Type::kSgd) describe_sgd(*this, g);
        if (type == Type::kAdam || type == Type::kAdamW) describe_adam(*this, g);
        if (type == Type::kRmsprop) describe_rmsprop(*this, g);
        g.real({"weight_decay", type == Type::kAdamW ? "Decoupled weight decay (lr times this)."
                                                     : "L2 penalty, added to the gradient."},
               weight_decay, {.min = 0});
      });
  f.real({"clip_value", "Clip each element of the gradient to [-v, v]; 0 for off."}, clip_value,
         {.min = 0});
  f.real({"clip_norm", "Scale the gradient of the network down to this norm; 0 for off."},
         clip_norm, {.min = 0});
  f.real({"clip_tensor_norm",
          "Scale the gradient of each parameter tensor down to this norm (Keras: clipnorm); 0 for "
          "off."},
         clip_tensor_norm, {.min = 0});
  f.require(clip_norm == 0 || clip_tensor_norm == 0, "clip_tensor_norm",
            "cannot be used with `clip_norm`; remove one of them");
  f.real({"weight_clip", "Clip each weight to [-v, v] after the update; 0 for off."}, weight_clip,
         {.min = 0});
  f.real({"historical_average",
          "Weight w of w |p - mean of p over all updates so far|^2, added to the loss (historical "
          "averaging); 0 for off."},
         historical_average, {.min = 0});
  f.object({"schedule", "How the learning rate changes."},
           [this](Fields& g) { schedule.describe(g); });
}

}  // namespace gantry
