// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/math.hpp>
#include <optiform/environments/concept.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A pole on a cart that is pushed left (action 0) or right (action 1): Gymnasium's CartPole-v1.
///
/// Shapes    observation [4]: position, velocity, angle, angular velocity
/// Units     metres, radians, seconds; every step is rewarded by 1, the last one included
/// Contract  Euler's method with steps of 0.02 s, in double. An episode terminates beyond 2.4 m or
///           12 degrees and is truncated after 500 steps; it starts uniformly within +-0.05.
/// Source    Barto, Sutton, Anderson, "Neuronlike adaptive elements that can solve difficult
///           learning control problems", 1983; constants and order of Gymnasium 1.
class CartPole {
 public:
  using environment_concept = environment_tag;
  using ActionSpace = Discrete<2>;
  static constexpr int observation_size = 4;
  static constexpr int most_steps = 500;

  void reset(Rng& rng) {
    for (double* number : {&x_, &speed_, &angle_, &turn_}) *number = rng.uniform(-0.05, 0.05);
    steps_ = 0;
  }
  /// Continues from a given state, at step 0.
  void set_state(double position, double velocity, double angle, double angular_velocity) {
    x_ = position, speed_ = velocity, angle_ = angle, turn_ = angular_velocity;
    steps_ = 0;
  }

  Outcome step(int action) {
    constexpr double gravity = 9.8, cart_mass = 1, pole_mass = 0.1, half_length = 0.5, force = 10;
    constexpr double mass = cart_mass + pole_mass, moment = pole_mass * half_length, tau = 0.02;
    constexpr double widest = 2.4, steepest = 12 * 2 * 3.14159265358979323846 / 360;
    const double cosine = math::cos(angle_), sine = math::sin(angle_);
    const double push = action == 1 ? force : -force;
    const double pull = (push + moment * turn_ * turn_ * sine) / mass;
    const double turning = (gravity * sine - cosine * pull) /
                           (half_length * (4.0 / 3.0 - pole_mass * cosine * cosine / mass));
    const double acceleration = pull - moment * turning * cosine / mass;
    x_ += tau * speed_;
    speed_ += tau * acceleration;
    angle_ += tau * turn_;
    turn_ += tau * turning;
    ++steps_;
    const bool fallen = x_ < -widest || x_ > widest || angle_ < -steepest || angle_ > steepest;
    return {.reward = 1, .terminated = fallen, .truncated = steps_ >= most_steps};
  }

  template <class T>
  void observe(T* observation) const {
    observation[0] = static_cast<T>(x_);
    observation[1] = static_cast<T>(speed_);
    observation[2] = static_cast<T>(angle_);
    observation[3] = static_cast<T>(turn_);
  }

 private:
  double x_ = 0, speed_ = 0, angle_ = 0, turn_ = 0;
  int steps_ = 0;
};

OPTIFORM_NAMESPACE_END
