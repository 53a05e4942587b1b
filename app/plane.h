#pragma once

#include "model/plane.h"
