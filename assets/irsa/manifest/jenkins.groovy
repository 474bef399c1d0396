// The credential aws-oidc is of the kind "OpenID Connect id token as file" (plugin oidc-provider), with the audience
// {{Audience}}. Jenkins writes a new token for every build into a temporary file; the SDKs and the CLI exchange it.
pipeline {
    agent any
    environment {
        AWS_ROLE_ARN = '{{RoleArn}}'
        AWS_ROLE_SESSION_NAME = 'jenkins'
        AWS_REGION = '{{Region}}'
    }
    stages {
        stage('Deploy') {
            steps {
                withCredentials([file(credentialsId: 'aws-oidc', variable: 'AWS_WEB_IDENTITY_TOKEN_FILE')]) {
                    sh 'aws sts get-caller-identity'
                }
            }
        }
    }
}
