# SPDX-License-Identifier: MIT
# Registers the consumer project: installed with its CPU backend, installed without a single
# dependency, and as a subdirectory.
function(optiform_consumer name mode wanted)
  set(test "consumer: ${name}")
  add_test(NAME ${test} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/check.sh ${CMAKE_COMMAND}
    ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/consumer-${mode}-${wanted}
    ${mode} ${wanted} -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
    -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} ${ARGN})
  set_tests_properties(${test} PROPERTIES LABELS consumer TIMEOUT 300 RESOURCE_LOCK install)
endfunction()

set(nothing)
foreach(package IN ITEMS Eigen3 xtensor nlohmann_json CLI11 tomlplusplus SentencePiece
        OpenMP)
  list(APPEND nothing -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
optiform_consumer("core by find_package needs no other package" find_package core ${nothing})
optiform_consumer("core by add_subdirectory needs no other package" add_subdirectory core ${nothing})
if(TARGET optiform::optiform)
  optiform_consumer("optiform by find_package" find_package optiform)
  if(TARGET optiform::openmp)
    optiform_consumer("openmp by find_package" find_package openmp)
  endif()
  optiform_consumer("optiform by add_subdirectory" add_subdirectory optiform)
endif()
