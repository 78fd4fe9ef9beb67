#include "cpu/interrupt.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include <dlfcn.h>
#include <time.h>

namespace graphlab::cpu {
namespace {

constexpr int64_t kAskEvery = 100;  // milliseconds

struct Object;  // PyObject

// The functions of CPython's stable interface that are needed here. They are looked up in the process
// instead of linked: a program without Python can load the library too, and building it needs none of
// Python's headers.
struct Python {
  int (*is_initialized)();
  int (*ensure)();
  void (*release)(int);
  int (*check_signals)();
  void (*fetch)(Object**, Object**, Object**);
  void (*restore)(Object*, Object*, Object*);
  int (*add_pending_call)(int (*)(void*), void*);
  void (*set_interrupt)();

  static const Python& get() {
    static const Python python;
    return python;
  }
  bool running() const { return complete_ && is_initialized() != 0; }

 private:
  Python() {
    complete_ = find("Py_IsInitialized", is_initialized) && find("PyGILState_Ensure", ensure) &&
        find("PyGILState_Release", release) && find("PyErr_CheckSignals", check_signals) &&
        find("PyErr_Fetch", fetch) && find("PyErr_Restore", restore) &&
        find("Py_AddPendingCall", add_pending_call) && find("PyErr_SetInterrupt", set_interrupt);
  }
  template <typename F>
  static bool find(const char* name, F& function) {
    function = reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
    return function != nullptr;
  }
  bool complete_;
};

// What a signal handler raised, on its way past C++.
struct Raised {
  Object *type = nullptr, *value = nullptr, *trace = nullptr;
};

int raise_again(void* pointer) {
  const std::unique_ptr<Raised> raised(static_cast<Raised*>(pointer));
  Python::get().restore(raised->type, raised->value, raised->trace);
  return -1;
}

// Runs the handlers of signals that have come; true if one of them raised. Python itself sees to it
// that only its main thread does so.
bool handler_raises() {
  const Python& python = Python::get();
  if (!python.running()) return false;
  const int state = python.ensure();
  const bool raises = python.check_signals() != 0;
  if (raises) {
    auto raised = std::make_unique<Raised>();
    python.fetch(&raised->type, &raised->value, &raised->trace);
    if (python.add_pending_call(raise_again, raised.get()) == 0) {
      raised.release();  // raise_again owns it
    } else {
      python.set_interrupt();  // the queue is full: as if Ctrl-C came once more
    }
  }
  python.release(state);
  return raises;
}

int64_t milliseconds() {
#if defined(CLOCK_MONOTONIC_COARSE)
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // four times as fast, and exact to 4 ms
  return int64_t{1000} * now.tv_sec + now.tv_nsec / 1000000;
#else
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
#endif
}

// What this thread is at.
struct Self {
  Team* team = nullptr;
  bool asks = true;  // it is the one that Python called
  int64_t asked = 0;
};

thread_local Self self;

}  // namespace

void check_interrupt() {
  Self& me = self;
  if (me.team != nullptr && me.team->stopped()) throw Interrupted();
  if (!me.asks) return;
  const int64_t now = milliseconds();
  if (now - me.asked < kAskEvery) return;
  me.asked = now;
  if (!handler_raises()) return;
  if (me.team != nullptr) me.team->stop();
  throw Interrupted();
}

Team::Team() : leader_(&self), leader_asks_(self.asks) {}

bool Team::led_by_this_thread() const { return leader_ == &self; }

Membership::Membership(Team& team)
    : team_before_(std::exchange(self.team, &team)),
      asked_before_(std::exchange(self.asks, team.led_by_this_thread() && team.leader_asks_)) {}

Membership::~Membership() {
  self.team = team_before_;
  self.asks = asked_before_;
}

void pause_for_team(int& waited) {
  // As torch's own loop, which waits by looking; what has not ended soon need not be seen at once.
  constexpr int kLook = 4000;
  if (waited < kLook) {
    ++waited;
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace graphlab::cpu
