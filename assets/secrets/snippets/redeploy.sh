# ECS reads the secret when a task starts: after a rotation make the service start new tasks.
aws ecs update-service --region {{Region}} --cluster prod --service app --force-new-deployment
