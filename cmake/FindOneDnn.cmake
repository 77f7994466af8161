# SPDX-License-Identifier: MIT
# Finds oneDNN without the OpenCL that its own configuration file asks for; defines OneDnn::OneDnn.
find_path(OneDnn_INCLUDE_DIR oneapi/dnnl/dnnl.h)
find_library(OneDnn_LIBRARY dnnl)
mark_as_advanced(OneDnn_INCLUDE_DIR OneDnn_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDnn REQUIRED_VARS OneDnn_LIBRARY OneDnn_INCLUDE_DIR)

if(OneDnn_FOUND AND NOT TARGET OneDnn::OneDnn)
  add_library(OneDnn::OneDnn INTERFACE IMPORTED)
  set_target_properties(OneDnn::OneDnn PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${OneDnn_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${OneDnn_LIBRARY};${CMAKE_DL_LIBS}")
endif()
