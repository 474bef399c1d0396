variable "vpc" {
