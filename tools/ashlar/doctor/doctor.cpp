#include "tools/ashlar/doctor/doctor.hpp"
namespace ashlar::tool { int examine(const doctor_options&) { return 0; } }
