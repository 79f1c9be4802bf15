// SPDX-License-Identifier: Apache-2.0
// The losses of autoencoder critics and feature matching: against the reference, against calculus,
// and what published implementations get wrong about them.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

const Shape kOne = vector_shape(1);

// ---- Reconstruction ----

std::vector<Arg> reconstruction_args(const ReconstructionDesc& d, const Vec& y, const Vec& x,
                                     double weight = 0.375) {
  std::vector<Arg> args = {out(kOne), out(kOne), out(kOne), out(d.x)};
  if (d.want_dx) args.push_back(out(d.x));
  args.insert(args.end(), {in(d.x, y), in(d.x, x)});
  if (d.weighted) args.push_back(scalar(weight));
  return args;
}

std::vector<Vec> reconstruct(const ReconstructionDesc& d, const Vec& y, const Vec& x) {
  return run(
      reference_backend(), [d](Kernels& k) { return k.reconstruction(d); },
      reconstruction_args(d, y, x));
}

// All ways of asking for the loss. The margin lies between the energies of the samples.
std::vector<ReconstructionDesc> reconstructions(const Shape& x) {
  std::vector<ReconstructionDesc> all;
  for (const auto kind :
       {ReconstructionDesc::Kind::kSquared, ReconstructionDesc::Kind::kAbsolute}) {
    for (const bool mean : {false, true}) {
      ReconstructionDesc d{.kind = kind, .x = x, .mean = mean, .scale = 0.75f};
      all.push_back(d);
      d.want_dx = d.weighted = true;
      d.scale = -1;
      all.push_back(d);
      d.weighted = false;
      d.hinge = true;
      const bool squared = kind == ReconstructionDesc::Kind::kSquared;
      const double typical = squared ? 2.09 : 1.15;  // E |y - x|^p of the draws below
      d.margin =
          static_cast<float>(typical * (mean ? 1 : static_cast<double>(x.per_sample())) + 0.01);
      all.push_back(d);
    }
  }
  return all;
}

Vec given(const Shape& shape, uint32_t seed) { return Sampler(seed).normal(shape, 0.3, 1); }

TEST(CriticLadder, ReconstructionLossesAreTheReference) {
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{7, 2, 1, 1}, Shape{5, 3, 7, 5},
                             Shape{16, 1, 28, 28}, Shape{3, 3, 64, 64}}) {
    for (const ReconstructionDesc& d : reconstructions(shape)) {
      check_parity({"reconstruction",
                    concat(to_string(shape), " kind ", static_cast<int>(d.kind), " mean ", d.mean,
                           " hinge ", d.hinge, " dx ", d.want_dx),
                    [d](Kernels& k) { return k.reconstruction(d); },
                    reconstruction_args(d, given(shape, 1), given(shape, 2)),
                    {}});
    }
  }
}

TEST(CriticLadder, ReconstructionGradientsAreTheSlopes) {
  const Shape shape{5, 2, 3, 2};
  for (ReconstructionDesc d : reconstructions(shape)) {
    d.want_dx = true;
    const auto evaluate = [d](const std::vector<Vec>& at) { return reconstruct(d, at[0], at[1]); };
    Differentiable op;
    op.name = concat("kind ", static_cast<int>(d.kind), " mean ", d.mean, " hinge ", d.hinge);
    op.at = {given(shape, 3), given(shape, 4)};
    op.output_size = 1;
    op.forward = [=](const std::vector<Vec>& at) { return evaluate(at)[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      const std::vector<Vec> results = evaluate(at);
      std::vector<Vec> gradients = {results[3], results[4]};
      for (Vec& gradient : gradients)
        for (double& value : gradient) value *= dy[0];
      return gradients;
    };
    check_gradients(op);
  }
}

// Energies 0 and 2 m: the mean lies on the margin, yet the first sample is all inside it.
TEST(CriticLadder, TheMarginIsThatOfEachSampleNotOfTheBatch) {
  const ReconstructionDesc d{.x = {2, 4, 1, 1}, .hinge = true, .margin = 2};
  const std::vector<Vec> got = reconstruct(d, {0, 0, 0, 0, 1, 1, 1, 1}, Vec(8, 0.0));
  EXPECT_DOUBLE_EQ(got[0][0], 1);    // (2 + 0) / 2
  EXPECT_DOUBLE_EQ(got[1][0], 2);    // energy
  EXPECT_DOUBLE_EQ(got[2][0], 0.5);  // one of two is inside
}

// ---- Pulling away ----

std::vector<Vec> pull(const Shape& shape, const Vec& s, float scale = 1) {
  const PullingAwayDesc d{shape, scale};
  return run(reference_backend(), [d](Kernels& k) { return k.pulling_away(d); },
             {out(kOne), out(shape), in(shape, s)});
}

TEST(CriticLadder, PullingAwayIsTheReference) {
  for (const Shape& shape : {Shape{1, 5, 1, 1}, Shape{2, 3, 1, 1}, Shape{17, 40, 1, 1},
                             Shape{8, 6, 3, 3}, Shape{64, 512, 1, 1}}) {
    for (const float scale : {1.0f, 0.1f}) {
      const PullingAwayDesc d{shape, scale};
      check_parity({"pulling_away",
                    to_string(shape),
                    [d](Kernels& k) { return k.pulling_away(d); },
                    {out(kOne), out(shape), in(shape, given(shape, 5))},
                    {}});
    }
  }
}

TEST(CriticLadder, PullingAwayGradientIsTheSlope) {
  const Shape shape{6, 4, 1, 2};
  Differentiable op;
  op.name = "pulling away";
  op.at = {given(shape, 6)};
  op.output_size = 1;
  op.forward = [=](const std::vector<Vec>& at) { return pull(shape, at[0], 0.7f)[0]; };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    Vec ds = pull(shape, at[0], 0.7f)[1];
    for (double& value : ds) value *= dy[0];
    return std::vector<Vec>{ds};
  };
  check_gradients(op);
}

// Published implementations leave the square out, keep the diagonal, or normalise along the batch.
TEST(CriticLadder, PullingAwayIsTheMeanSquaredCosineOfDifferentSamples) {
  const Shape two{2, 2, 1, 1}, three{3, 3, 1, 1};
  EXPECT_DOUBLE_EQ(pull(two, {1, 0, -3, 0})[0][0], 1);                  // squared: not -1
  EXPECT_DOUBLE_EQ(pull(three, {2, 0, 0, 0, 5, 0, 0, 0, 1})[0][0], 0);  // no diagonal: not 1/3
  EXPECT_NEAR(pull(two, {1, 0, 1, 1})[0][0], 0.5, 1e-15);
  EXPECT_NEAR(pull(two, {1, 0, 7, 7})[0][0], 0.5, 1e-15);  // each code by its own length
}

TEST(CriticLadder, ACodeOfZerosPullsNobody) {
  const std::vector<Vec> got = pull({2, 2, 1, 1}, {0, 0, 1, 2});
  EXPECT_EQ(got[0][0], 0);
  for (const double value : got[1]) EXPECT_EQ(value, 0);
}

// ---- Equilibrium ----

TEST(CriticLadder, EquilibriumIsTheReference) {
  const EquilibriumDesc d{0.7f, 0.125f};
  for (const double k : {0.0, 0.4, 1.0}) {
    for (const double fake : {0.01, 0.5, 30.0}) {
      check_parity({"equilibrium",
                    concat("k ", k, " fake ", fake),
                    [d](Kernels& kernels) { return kernels.equilibrium(d); },
                    {out(kOne), out(kOne), inout(kOne, rounded({k})), scalar(1.5),
                     in(kOne, rounded({fake}))},
                    {}});
    }
  }
}

// By hand, from the paper: k + lambda (gamma L(x) - L(G)), kept in [0, 1].
TEST(CriticLadder, EquilibriumMovesKAsPublished) {
  const auto move = [](double k, double real, double fake) {
    const EquilibriumDesc d{0.5f, 0.25f};
    return run(reference_backend(), [d](Kernels& kernels) { return kernels.equilibrium(d); },
               {out(kOne), out(kOne), inout(kOne, {k}), scalar(real), scalar(fake)});
  };
  EXPECT_DOUBLE_EQ(move(0.5, 2, 0.5)[1][0], 0.625);
  EXPECT_DOUBLE_EQ(move(0.5, 2, 0.5)[2][0], 0.625);
  EXPECT_DOUBLE_EQ(move(0.5, 2, 0.5)[0][0], 2.5);
  EXPECT_DOUBLE_EQ(move(0.1, 2, 3)[1][0], 0);
  EXPECT_DOUBLE_EQ(move(0.1, 2, 3)[0][0], 4);
  EXPECT_DOUBLE_EQ(move(0.9, 9, 1)[1][0], 1);
}

// ---- Feature matching ----

using Match = FeatureMatchDesc;

TEST(CriticLadder, FeatureMatchingIsTheReference) {
  for (const auto& [fake, real] : {std::pair{Shape{1, 1, 1, 1}, Shape{3, 1, 1, 1}},
                                   {Shape{6, 50, 1, 1}, Shape{4, 50, 1, 1}},
                                   {Shape{16, 8, 7, 7}, Shape{16, 8, 7, 7}},
                                   {Shape{3, 5000, 1, 1}, Shape{2, 5000, 1, 1}}}) {
    for (const Match::Kind kind : {Match::Kind::kSquared, Match::Kind::kAbsolute}) {
      const Match d{kind, fake, real, 0.5f};
      check_parity(
          {"feature_match",
           concat(to_string(fake), " kind ", static_cast<int>(kind)),
           [d](Kernels& k) { return k.feature_match(d); },
           {out(kOne), out(fake), in(fake, given(fake, 7)), in(real, Sampler(8).normal(real))},
           {}});
    }
  }
}

TEST(CriticLadder, FeatureMatchingGradientIsTheSlope) {
  const Shape fake{5, 3, 2, 1}, real{4, 3, 2, 1};
  for (const Match::Kind kind : {Match::Kind::kSquared, Match::Kind::kAbsolute}) {
    const Match d{kind, fake, real, 1.5f};
    const Vec shown = Sampler(9).normal(real);
    const auto evaluate = [=](const Vec& f) {
      return run(reference_backend(), [d](Kernels& k) { return k.feature_match(d); },
                 {out(kOne), out(fake), in(fake, f), in(real, shown)});
    };
    Differentiable op;
    op.name = "feature matching";
    op.at = {given(fake, 10)};
    op.output_size = 1;
    op.forward = [=](const std::vector<Vec>& at) { return evaluate(at[0])[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      Vec df = evaluate(at[0])[1];
      for (double& value : df) value *= dy[0];
      return std::vector<Vec>{df};
    };
    check_gradients(op);
  }
}

}  // namespace
}  // namespace gantry::ladder
