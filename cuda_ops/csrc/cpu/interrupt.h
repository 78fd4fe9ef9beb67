// Ctrl-C while an operator runs. Python only notes a signal; its handlers run when the thread that
// called the operator asks for it. Loops that can last ask now and then.
#pragma once

#include <atomic>
#include <stdexcept>

namespace graphlab::cpu {

// A signal handler of Python has raised. Its exception waits in the interpreter, which raises it as
// soon as it runs again; this one carries the threads there.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("graphlab: interrupted by a signal") {}
};

// Throws Interrupted if the operator is to end. Cheap: on the thread that Python called it looks at a
// clock and, ten times a second, lets Python run its handlers; on the others it looks at a flag.
void check_interrupt();

// Threads that work on one loop and end together.
class Team {
 public:
  Team();
  void stop() { stopped_.store(true, std::memory_order_relaxed); }
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  bool led_by_this_thread() const;

 private:
  friend class Membership;
  std::atomic<bool> stopped_{false};
  const void* leader_;
  bool leader_asks_;
};

// Makes this thread one of a team while it lives.
class Membership {
 public:
  explicit Membership(Team& team);
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

 private:
  Team* team_before_;
  bool asked_before_;
};

// Waits a little for the other threads of a loop; `waited` counts the calls.
void pause_for_team(int& waited);

}  // namespace graphlab::cpu
